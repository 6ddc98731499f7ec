"""Small results of every kind that the index looks for."""

from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.inspection import Inspection
from crisp_sw.results.layers import InspectedLayer
from crisp_sw.results.steps import EvaluateStep, PrunedLayer, PruneStep, Source, TrainStep
from sw.tests.report.rtl_layers import FIGURES, rtl_layer

SOURCE = Source(checkpoint="model.safetensors", data=None)
DEMO = DemoReport(
    dataset="fashion-mnist",
    classes=("bag", "coat"),
    model="small-resnet",
    seed=0,
    preset="edge",
    clock_mhz=100.0,
    accuracy=Accuracies(dense_fine_tuned=0.99, int8=0.98),
    test_images=2000,
    sparsity=0.92,
    model_sparsity=0.9,
    layers=(rtl_layer("conv", cycles_rtl=1000, cycles_dense=5000), rtl_layer("fc", cycles_rtl=1000)),
    images=(),
    steps={"prune and fine-tune": "41.5 s"},
    prune_settings={"n": 1},
    samples_per_class=500,
    versions={"numpy": "2.0"},
    command="crisp demo",
)
PRUNED = PruneStep(
    command="crisp prune",
    source=SOURCE,
    skipped=(),
    dataset="fashion-mnist",
    model="small-resnet",
    classes=("bag", "coat"),
    class_ids=("8", "4"),
    class_indices=(8, 4),
    image_size=(28, 28),
    mean=(0.28,),
    std=(0.35,),
    samples_per_class=500,
    compare_dense=True,
    teacher="original",
    training_images=(500, 500),
    test_images=2000,
    accuracy=Accuracies(dense=0.97, dense_fine_tuned=0.99, pruned=0.98),
    seconds={"pruned": 12.5},
    settings={"n": 1},
    sparsity=0.92,
    model_sparsity=0.9,
    layers=(
        PrunedLayer(
            name="conv",
            weights=100,
            kept_weights=8,
            dense_reason=None,
            kept_blocks=1,
            total_blocks=4,
            kept_per_row=1,
            blocks_per_row=4,
        ),
    ),
    iterations=(),
)
TRAINED = TrainStep(
    source=SOURCE,
    skipped=(),
    training_images=1437,
    test_images=360,
    seconds=3.5,
    model="small-resnet",
    in_channels=1,
    num_classes=2,
    classes=("0", "1"),
    class_ids=("0", "1"),
    image_size=(8, 8),
    mean=(0.3,),
    std=(0.3,),
    dataset="digits",
    data_source="digits",
    accuracy=0.9,
    settings={"epochs": 1},
    history=(),
    command="crisp train",
)
EVALUATED = EvaluateStep(
    path="build/network",
    command="crisp evaluate",
    source=SOURCE,
    dataset="digits",
    classes=("0", "1"),
    class_ids=("0", "1"),
    images=72,
    accuracy=Accuracies(int8=0.97),
    per_class=(),
    skipped=(),
)
INSPECTED = Inspection(
    path="net",
    command="crisp inspect",
    kind="packed",
    preset="edge",
    clock_mhz=100.0,
    input_shape=(3, 32, 32),
    classes=(),
    metadata={},
    layers=(
        InspectedLayer(
            name="conv",
            **{name: value for name, value in FIGURES.items() if name not in ("cycles_rtl", "bit_exact")},
            dense_does_not_fit=None,
            weights=36_864,
            nonzero=3000,
            macs_dense=10**6,
            macs=10**5,
        ),
    ),
    program=None,
)
