"""What `torch.fx` traces of a model: its call with one batch of images, whatever else its code accepts."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import fx, nn

from crisp_sw.modules.wrappers import unwrapped

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class GraphTracer(fx.Tracer):
    """Traces ``model(images)``: arguments that have defaults have these, as in that call.

    DataParallel and other wrappers of layers are seen through, and so are parts of the model that are put
    together where they are called, as ``self.features[:5]``.
    """

    def create_args_for_root(
        self, root_fn: Callable[..., Any], is_module: bool, concrete_args: Any = None
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Return the forward pass, and what it is called with: the model, and a tensor for each argument."""
        self._registered = set(self.root.modules())
        _, *parameters = inspect.signature(root_fn).parameters.values()
        names = [each.name for each in parameters if each.default is each.empty and each.kind in _POSITIONAL]
        tensors = [self.create_proxy("placeholder", name, (), {}) for name in names or ["images"]]
        return root_fn, [self.root, *tensors]

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Follow the code of a module, or note down its call."""
        inner = unwrapped(m)
        if inner is not m:
            return inner(*args, **kwargs)
        if m not in self._registered and not self.is_leaf_module(m, ""):
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)
