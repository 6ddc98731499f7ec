// Techmap for yosys: LUT RAM without constant address bits.
//
// A memory of less than 16 words leaves address bits at 0, each of them a wire from one LUT somewhere on the chip
// to every cell of the memory. Here they follow bit 0 of the address, which is at these cells anyway: reads and
// writes agree on the place of a word.

(* techmap_celltype = "TRELLIS_DPR16X4" *)
module lut_ram_constants(
    input [3:0] DI, WAD, RAD,
    input WRE, WCK,
    output [3:0] DO
);
    parameter WCKMUX = "WCK";
    parameter WREMUX = "WRE";
    parameter [63:0] INITVAL = 64'h0;
    parameter [3:0] _TECHMAP_CONSTMSK_WAD_ = 4'b0;
    parameter [3:0] _TECHMAP_CONSTVAL_WAD_ = 4'bx;
    parameter [3:0] _TECHMAP_CONSTMSK_RAD_ = 4'b0;
    parameter [3:0] _TECHMAP_CONSTVAL_RAD_ = 4'bx;

    function [3:0] zeros(input [3:0] constant, input [3:0] value);
        integer bit_number;
        for (bit_number = 0; bit_number < 4; bit_number = bit_number + 1)
            zeros[bit_number] = constant[bit_number] && (value[bit_number] === 1'b0);
    endfunction

    localparam [3:0] UNUSED = zeros(_TECHMAP_CONSTMSK_WAD_, _TECHMAP_CONSTVAL_WAD_)
        & zeros(_TECHMAP_CONSTMSK_RAD_, _TECHMAP_CONSTVAL_RAD_);
    wire _TECHMAP_FAIL_ = (UNUSED == 0) || UNUSED[0];

    function [63:0] moved(input [63:0] words);
        integer word;
        for (word = 0; word < 16; word = word + 1)
            moved[4 * word +: 4] = words[4 * (word & ~UNUSED) +: 4];
    endfunction

    TRELLIS_DPR16X4 #(
        .WCKMUX(WCKMUX), .WREMUX(WREMUX), .INITVAL(moved(INITVAL))
    ) _TECHMAP_REPLACE_ (
        .DI(DI), .DO(DO), .WRE(WRE), .WCK(WCK),
        .WAD({UNUSED[3] ? WAD[0] : WAD[3], UNUSED[2] ? WAD[0] : WAD[2], UNUSED[1] ? WAD[0] : WAD[1], WAD[0]}),
        .RAD({UNUSED[3] ? RAD[0] : RAD[3], UNUSED[2] ? RAD[0] : RAD[2], UNUSED[1] ? RAD[0] : RAD[1], RAD[0]})
    );
endmodule
