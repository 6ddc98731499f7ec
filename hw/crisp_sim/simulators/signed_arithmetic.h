// Verilator's arithmetic on signed values of any width, written so that compilers make it one or two
// instructions. Its own functions extend a sign by masking and negating, which takes four; a core of 256
// multipliers extends 1,500 signs per clock cycle. Included behind `verilated.h`; the macros replace the
// functions of the same name in what Verilator generates, and return what those return.
//
// `bits` is the width of an operand, in which its sign bit is the highest one; what lies above is ignored by
// Verilator, unless it asks for a clean result as of a shift.

#pragma once

#include "verilated.h"

#define VL_EXTENDS_II(out_bits, bits, value) \
    (static_cast<IData>(static_cast<int32_t>(static_cast<IData>(value) << (32 - (bits))) >> (32 - (bits))))

#define VL_EXTENDS_QQ(out_bits, bits, value) \
    (static_cast<QData>(static_cast<int64_t>(static_cast<QData>(value) << (64 - (bits))) >> (64 - (bits))))

#define VL_EXTENDS_QI(out_bits, bits, value) VL_EXTENDS_QQ(out_bits, bits, value)

// The lower half of a product does not depend on signs.
#define VL_MULS_III(bits, left, right) (static_cast<IData>(left) * static_cast<IData>(right))
#define VL_MULS_QQQ(bits, left, right) (static_cast<QData>(left) * static_cast<QData>(right))

#define VL_SHIFTRS_QQI(out_bits, bits, shift_bits, value, shift) \
    (VL_MASK_Q(out_bits) \
     & static_cast<QData>(static_cast<int64_t>(VL_EXTENDS_QQ(64, bits, value)) >> ((shift) > 63 ? 63 : (shift))))

#define VL_GTS_III(bits, left, right) \
    (static_cast<int32_t>(VL_EXTENDS_II(32, bits, left)) > static_cast<int32_t>(VL_EXTENDS_II(32, bits, right)))
#define VL_LTS_III(bits, left, right) \
    (static_cast<int32_t>(VL_EXTENDS_II(32, bits, left)) < static_cast<int32_t>(VL_EXTENDS_II(32, bits, right)))
