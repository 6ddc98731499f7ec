"""Words of memories: what is packed comes apart again, and lies where the fields are declared."""

import numpy as np
import pytest

from crisp_golden.format.memory_words import (
    entry_type,
    pack_entries,
    pack_indices,
    unpack_entries,
    unpack_indices,
)
from crisp_golden.stimuli.small_cores import small_core
from crisp_spec.commands import Memory
from crisp_spec.errors import LayerError
from crisp_spec.fields import pack_fields
from crisp_spec.memories import ENTRIES, stored_index_bits


@pytest.mark.parametrize("memory", ENTRIES, ids=lambda memory: memory.name)
def test_entries_are_packed_as_their_fields_are_declared(memory: Memory):
    rng, fields = np.random.default_rng(int(memory)), ENTRIES[memory].fields
    limits = {field.name: field.limits for field in fields}
    columns = {name: rng.integers(low, high + 1, 50) for name, (low, high) in limits.items()}
    for name, extremes in limits.items():
        columns[name][:2] = extremes
    words = pack_entries(memory, columns)
    assert words.dtype == entry_type(memory)
    assert words.dtype.itemsize * 8 == ENTRIES[memory].bits
    rows = [{name: int(column[place]) for name, column in columns.items()} for place in range(50)]
    assert words.tolist() == [pack_fields(fields, row) for row in rows]
    unpacked = unpack_entries(memory, words)
    assert list(unpacked) == list(limits)
    for name, column in columns.items():
        np.testing.assert_array_equal(unpacked[name], column)


@pytest.mark.parametrize("memory", ENTRIES, ids=lambda memory: memory.name)
def test_an_entry_holds_its_fields(memory: Memory):
    entry = ENTRIES[memory]
    assert entry.used_bits == sum(field.bits for field in entry.fields) <= entry.bits


def test_a_value_that_does_not_fit_is_refused():
    columns = {"res_multiplier": np.array([1, 2, 3]), "res_shift": np.array([1, 16, 3])}
    with pytest.raises(LayerError, match=r"^`res_shift` must be from 0 to 15, not 16$"):
        pack_entries(Memory.RESIDUAL_CHANNEL, columns)
    with pytest.raises(LayerError, match=r"^`res_shift` must be from 0 to 15, not -1$"):
        pack_entries(Memory.RESIDUAL_CHANNEL, columns | {"res_shift": np.array([1, 0, -1])})


@pytest.mark.parametrize("m", [2, 4, 8])
def test_group_indices_take_their_bits_the_first_in_the_lowest(m: int):
    config, rng = small_core(2, 2, 4, m), np.random.default_rng(m)
    indices, bits = rng.integers(0, m, (3, 5), np.uint8), stored_index_bits(config)
    packed = pack_indices(config, indices)
    string = sum(int(index) << bits * place for place, index in enumerate(indices.ravel()))
    assert packed.tobytes() == string.to_bytes(-(-15 * bits // 8), "little")
    assert unpack_indices(config, packed)[:15].tolist() == indices.ravel().tolist()
