"""From a model with random or given weights to a sparse integer network, with random images for data."""

import torch
from torch import Tensor, nn

from crisp_golden.arithmetic.network import Pattern, QuantizedNetwork
from crisp_sw.exchange.checkpoint import load_weights
from crisp_sw.exchange.state_dict import read_state_dict
from crisp_sw.models import MODELS, build_model
from crisp_sw.modules.wrappers import module_copy, unwrapped
from crisp_sw.prune import ClassSamples
from crisp_sw.prune.tuning.fine_tuning import reestimate_batch_norm
from crisp_sw.quantize import QuantizeSettings, UnsupportedModelError, lower, quantize_model
from crisp_sw.quantize.argument_checks import require_images
from crisp_sw.quantize.lowering.float_network import FloatConv
from crisp_sw.synthetic.images import random_images
from crisp_sw.synthetic.masks import hybrid_mask
from crisp_sw.synthetic.settings import NetworkSettings
from crisp_sw.synthetic.sparsity_rules import SparsityRules

# Images run at a time. A few at 224x224 fill the caches, and all their activations must fit the memory.
BATCH = 4

# Image size that the models without "-32px" in their names are for.
FULL_SIZE = 224


def build_network(settings: NetworkSettings) -> QuantizedNetwork:
    """Build, prune and quantize the network of ``settings``.

    Equal settings give the same network on the same machine with the same number of threads. The global
    random generator of torch is left as it was.

    Raises
    ------
    ModelError : there is no such model.
    NetworkSettingsError : a rule matches no layer.
    CheckpointError : the weights cannot be read, or do not fit the model.
    UnsupportedModelError : the images are too small for the model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = build_model(
            settings.model,
            in_channels=settings.in_channels,
            num_classes=settings.num_classes,
            width=settings.width,
        )
    if settings.weights is not None:
        load_weights(model, read_state_dict(settings.weights), source=settings.weights)
    images = random_images(settings.images, settings.image_shape, seed=settings.seed)
    try:
        return _prune_and_quantize(model, images, settings.rules, reestimate=not settings.keep_statistics)
    except UnsupportedModelError as error:
        small = f"{settings.model.lower().replace('_', '-')}-32px"
        if settings.image_size < FULL_SIZE and small in MODELS:
            raise UnsupportedModelError(f"{error}; the model {small!r} is for small images") from error
        raise


def quantize_sparse(
    model: nn.Module, images: Tensor, rules: SparsityRules, *, reestimate: bool = True
) -> QuantizedNetwork:
    """Prune a copy of ``model`` by magnitude and quantize it; there is no training.

    Parameters
    ----------
    model : anything that `crisp_sw.quantize.lower` takes; left unchanged.
    images : float[N, C, H, W], normalised, for the statistics of BatchNorm and for the int8 ranges.
    reestimate : measure the statistics of BatchNorm anew after pruning.

    Raises
    ------
    UnsupportedModelError : the model has an operation without integer counterpart, or computes a weight that
        is to be pruned, as `torch.nn.utils.weight_norm` does.
    CalibrationError : the images are no such images.
    NetworkSettingsError : a rule matches no layer.
    """
    return _prune_and_quantize(module_copy(unwrapped(model)), images, rules, reestimate=reestimate)


def _prune_and_quantize(
    model: nn.Module, images: Tensor, rules: SparsityRules, *, reestimate: bool
) -> QuantizedNetwork:
    require_images(images)
    channels, height, width = images.shape[1:]
    patterns = prune_by_magnitude(model, rules, (channels, height, width))
    if reestimate:
        samples = ClassSamples(images=images, labels=torch.zeros(len(images), dtype=torch.int64))
        reestimate_batch_norm(model, samples, batch_size=BATCH)
    return quantize_model(model, images, patterns=patterns, settings=QuantizeSettings(batch=BATCH))


@torch.no_grad()
def prune_by_magnitude(
    model: nn.Module, rules: SparsityRules, image_shape: tuple[int, int, int]
) -> dict[str, Pattern]:
    """Set the weights of ``model`` to 0 that the rules take away; return the patterns by layer name.

    A linear layer is pruned as the convolution over its input map that it becomes.
    """
    network = lower(model, image_shape)
    shapes = {layer.name: layer.weight.shape for layer in network.layers if isinstance(layer, FloatConv)}
    patterns = {}
    for name, sparsity in rules.assign(network, model).items():
        weight = dict(model.get_submodule(name).named_parameters(recurse=False)).get("weight")
        if weight is None:
            raise UnsupportedModelError(f"the weight of {name!r} is computed; expected a parameter to prune")
        mask, patterns[name] = hybrid_mask(weight.reshape(shapes[name]), sparsity)
        weight.mul_(mask.reshape(weight.shape))
    return patterns
