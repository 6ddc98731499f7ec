"""The command that builds a network without a data set and exports it."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from crisp_cli.terminal import messages, results
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_sw.synthetic.rules_file import sparsity_rules
from crisp_sw.synthetic.settings import DEFAULT_CACHE, NetworkSettings


def synthetic(
    model: Annotated[str, typer.Argument(help="resnet18/34/50, vgg16, vgg16-bn, mobilenet-v2, ...")],
    nm: Annotated[str, typer.Option(help="N:M of the layers, such as 1:4.")] = "4:4",
    blocks: Annotated[float, typer.Option(help="Share of the blocks that stay.")] = 1.0,
    block_size: Annotated[int, typer.Option(help="Edge length of the blocks.")] = 16,
    first_nm: Annotated[str | None, typer.Option(help="N:M of the first layer; dense without it.")] = None,
    layers: Annotated[Path | None, typer.Option(help="TOML or JSON file with rules for layers.")] = None,
    image_size: Annotated[int, typer.Option(help="Height and width of the image.")] = 224,
    width: Annotated[float, typer.Option(help="Factor on all channel counts.")] = 1.0,
    classes: Annotated[int, typer.Option(help="Outputs.")] = 1000,
    weights: Annotated[Path | None, typer.Option(help="State dict instead of random weights.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights and images.")] = 0,
    cache: Annotated[Path, typer.Option(help="Where built networks are kept.")] = DEFAULT_CACHE,
) -> None:
    """Build an int8 network of a well-known shape, from a seed, with any hybrid sparsity.

    Prints where the packed network is, which other commands take.

    Example: `crisp synthetic resnet50 --nm 1:4 --blocks 0.5`
    """
    from crisp_sw.synthetic.cache import cached_network, network_key

    started = time.perf_counter()
    settings = NetworkSettings(
        model=model,
        image_size=image_size,
        num_classes=classes,
        width=width,
        rules=sparsity_rules(nm, blocks, block_size, first_nm, layers),
        seed=seed,
        weights=weights,
    )
    built = cached_network(settings, cache=cache)
    results.print(str(cache / network_key(settings)))
    messages.print(f"{summary(built)}; {time.perf_counter() - started:.1f} s")


def summary(built: QuantizedNetwork) -> str:
    """One line about the size of a network."""
    layers = [node.layer for node in built.nodes if isinstance(node.layer, QuantizedConv)]
    weights = sum(layer.weight.size for layer in layers)
    kept = sum(int(np.count_nonzero(layer.weight)) for layer in layers)
    sparse = sum(layer.pattern is not None for layer in layers)
    return f"{len(built.nodes)} layers, {sparse} of them sparse, {kept:,} of {weights:,} weights not zero"
