"""Two users' networks, each pruned for other classes, run one after the other on one and the same RTL."""

from collections.abc import Sequence

import torch

from crisp_cli.program_pairs.network_pair import check_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_spec.config import preset
from crisp_sw.compile.compiler import compile_network
from crisp_sw.data.sources.digits import load_digits
from crisp_sw.driver.accelerator import Accelerator
from crisp_sw.models import build_model
from crisp_sw.prune import CrispPruning, choose_samples, prune_for_classes, restrict_classifier
from crisp_sw.quantize import quantize_model

CONFIG = preset("small")
USERS = ((0, 3, 8), (1, 7))
MEAN, STD = (0.3,), (0.37,)
SETTINGS = CrispPruning.of(
    n=1, m=4, block=16, sparsity=0.9, iterations=1, epochs_per_iteration=0, final_epochs=1, batch_size=64
)


def pruned_network(classes: Sequence[int]) -> QuantizedNetwork:
    """A small ResNet for some of the digits, at 8 x 8 pixels."""
    digits = load_digits(8).train
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = build_model("small-resnet", in_channels=1, num_classes=10)
    samples = choose_samples(digits.images, digits.labels, classes, per_class=60, mean=MEAN, std=STD, seed=0)
    pruned = prune_for_classes(restrict_classifier(model, classes), samples, SETTINGS)
    images = samples.normalised(torch.arange(32))
    return quantize_model(pruned.model, images, patterns=pruned.patterns)


def test_a_new_users_network_is_only_a_new_program_image():
    networks = [pruned_network(classes) for classes in USERS]
    images = [compile_network(CONFIG, network) for network in networks]
    accelerator = Accelerator(RtlBus(CONFIG))
    for user in (0, 1, 0):
        check_network(accelerator, networks[user], images[user])
        assert accelerator.read(images[user].output.name).size == len(USERS[user])
