"""The gradients of one weight in somebody else's training loop, each taken once, of frozen weights too."""

from functools import partial

import torch
from torch import Tensor, distributed
from torch.utils.weak import TensorWeakRef


class GradientRecord:
    """The gradients of one weight since they were last taken.

    A weight that is trained has them in its ``grad``, where they stay until they are zeroed: what was there
    before, such as that of an earlier micro-batch, is not taken again. A ``grad`` that was set by hand is
    taken once, as it is. A frozen weight has none, so that no optimizer can move it; its gradients add up
    here.
    """

    def __init__(self) -> None:
        self._before: Tensor | None = None
        self._holder: TensorWeakRef | None = None
        self._of_frozen: Tensor | None = None
        self._arrived = False
        self._taken: TensorWeakRef | None = None

    def watch(self, weight: Tensor, masked: Tensor) -> None:
        """Note the gradient of ``masked``, which a forward pass made of ``weight``, when it arrives."""
        if not torch.is_grad_enabled():
            return
        if not weight.requires_grad:
            masked.requires_grad_(True)
        masked.register_hook(partial(self._note, weight))

    def take(self, weight: Tensor) -> Tensor | None:
        """Return the gradient of ``weight`` since the last call; None if none arrived."""
        arrived, before, of_frozen = self._arrived, self._before, self._of_frozen
        self._arrived, self._before, self._of_frozen = False, None, None
        if not weight.requires_grad:
            return of_frozen
        old, grad = None if self._taken is None else self._taken(), weight.grad
        if grad is None or (grad is old and not arrived):
            return None
        self._taken = TensorWeakRef(grad)
        return grad if before is None or self._was_replaced(grad) else grad.float() - before

    def _was_replaced(self, grad: Tensor) -> bool:
        """Whether ``grad`` was set by hand since the first gradient arrived, so that nothing else is in it.

        Autograd adds in place, or out of place where the sum itself can be differentiated; distributed
        training puts the sum into a tensor of its own.
        """
        holder = None if self._holder is None else self._holder()
        return grad is not holder and not grad.requires_grad and not _is_distributed()

    def _note(self, weight: Tensor, gradient: Tensor) -> None:
        if not weight.requires_grad:
            self._of_frozen = gradient.clone() if self._of_frozen is None else self._of_frozen + gradient
        elif weight.grad is None:
            self._before = None
        elif not self._arrived:
            self._before = weight.grad.to(torch.float32, copy=True)
            self._holder = TensorWeakRef(weight.grad)
        self._arrived = True


def _is_distributed() -> bool:
    return distributed.is_available() and distributed.is_initialized()
