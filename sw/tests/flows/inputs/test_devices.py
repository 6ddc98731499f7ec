"""Devices are there, or the message says which are."""

import pytest
import torch

from crisp_sw.flows.inputs.devices import DeviceError, find_device


def test_processor_is_always_there():
    assert find_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "meta", "", "cpu:99", "cpu:0"])
def test_absent_device_is_named_with_those_that_are_there(name):
    with pytest.raises(DeviceError, match=f"no device '{name}' here; expected one of cpu"):
        find_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_cuda_that_is_not_there():
    with pytest.raises(DeviceError, match=r"no device 'cuda' here; expected one of cpu$"):
        find_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda():
    assert find_device("cuda").type == "cuda"
