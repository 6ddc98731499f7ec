// Stands in for LZ4 where Verilator's FST writer uses it, so that traces need no library: a valid LZ4 block
// that holds the data as literals. Viewers read it like any other; it is only larger.

#ifndef CRISP_FST_STORED_LZ4_H
#define CRISP_FST_STORED_LZ4_H

#include <cstring>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

// One sequence: token with the literals' length (15 means that bytes to add up follow), then the literals.
inline int LZ4_compress_default(const char* source, char* block, int size, int /*capacity*/) {
    char* out = block;
    if (size < 15) {
        *out++ = static_cast<char>(size << 4);
    } else {
        *out++ = static_cast<char>(0xF0);
        int left = size - 15;
        for (; left >= 255; left -= 255) *out++ = static_cast<char>(255);
        *out++ = static_cast<char>(left);
    }
    if (size > 0) std::memcpy(out, source, static_cast<std::size_t>(size));
    return static_cast<int>(out - block) + size;
}

#endif
