// Techmap for yosys: carry cells without constant zeros.
//
// In ECP5 an open input of a carry cell reads as 1, while each 0 is a wire from one LUT somewhere on the chip.
// So 1 takes the place of 0, and the tables no longer look at that input. An adder of yosys has two zeros in
// every cell.

`define ZERO(pin) (_TECHMAP_CONSTMSK_``pin``_ & (_TECHMAP_CONSTVAL_``pin``_ === 1'b0))
`define PIN(pin) \
    parameter _TECHMAP_CONSTMSK_``pin``_ = 1'b0; \
    parameter _TECHMAP_CONSTVAL_``pin``_ = 1'bx;

(* techmap_celltype = "CCU2C" *)
module carry_constants(
    input CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output S0, S1, COUT
);
    parameter [15:0] INIT0 = 16'h0000;
    parameter [15:0] INIT1 = 16'h0000;
    parameter INJECT1_0 = "YES";
    parameter INJECT1_1 = "YES";
    `PIN(A0) `PIN(B0) `PIN(C0) `PIN(D0)
    `PIN(A1) `PIN(B1) `PIN(C1) `PIN(D1)

    localparam [3:0] ZEROS0 = {`ZERO(D0), `ZERO(C0), `ZERO(B0), `ZERO(A0)};
    localparam [3:0] ZEROS1 = {`ZERO(D1), `ZERO(C1), `ZERO(B1), `ZERO(A1)};
    wire _TECHMAP_FAIL_ = (ZEROS0 == 0) && (ZEROS1 == 0);

    // The entries with zeros stay: the cell also takes entries 0 to 3 as a table of A and B alone.
    function [15:0] blind(input [15:0] table_bits, input [3:0] zeros);
        integer entry;
        for (entry = 0; entry < 16; entry = entry + 1)
            blind[entry] = table_bits[entry & ~zeros];
    endfunction

    CCU2C #(
        .INIT0(blind(INIT0, ZEROS0)), .INIT1(blind(INIT1, ZEROS1)),
        .INJECT1_0(INJECT1_0), .INJECT1_1(INJECT1_1)
    ) _TECHMAP_REPLACE_ (
        .CIN(CIN), .COUT(COUT), .S0(S0), .S1(S1),
        .A0(A0 | ZEROS0[0]), .B0(B0 | ZEROS0[1]), .C0(C0 | ZEROS0[2]), .D0(D0 | ZEROS0[3]),
        .A1(A1 | ZEROS1[0]), .B1(B1 | ZEROS1[1]), .C1(C1 | ZEROS1[2]), .D1(D1 | ZEROS1[3])
    );
endmodule
