// Behavioural model of the ECP5 block RAM DP16KD, for simulation and formal proofs.
//
// It covers the configurations that cells/ecp5.py instantiates: port A writes, and in other cycles may read
// through its output register; port B reads through its own; both ports are as wide as each other and on one
// clock. Anything else fails to elaborate. A write leaves port A's output as it was (write mode NORMAL).
// Reading a word that port A writes in the same cycle is undefined in the real cell; here it
// inverts the old word, so that logic which depends on it is caught.
//
// DP16KD_MODEL_WALKING_WORDS shrinks the memory for proofs, but not the address: only the words whose
// address is 0 or has a single bit set exist. Any other address reads and writes a word of its own.

module DP16KD (
    input CLKA, CEA, WEA, OCEA, RSTA, CSA2, CSA1, CSA0,
    input CLKB, CEB, WEB, OCEB, RSTB, CSB2, CSB1, CSB0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
    output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
    output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter GSR = "ENABLED";

    generate
        if (DATA_WIDTH_A != DATA_WIDTH_B || REGMODE_B != "OUTREG" || WRITEMODE_A != "NORMAL"
            || GSR != "DISABLED")
            DP16KD_configuration_without_model unsupported ();
    endgenerate

    localparam SHIFT = DATA_WIDTH_A == 18 ? 4 : DATA_WIDTH_A == 9 ? 3 : DATA_WIDTH_A == 4 ? 2
        : DATA_WIDTH_A == 2 ? 1 : 0;
`ifdef DP16KD_MODEL_WALKING_WORDS
    localparam WORDS = 16;

    function [13:0] word_at (input [13:0] address);
        integer i;
        begin
            word_at = address == 0 ? 0 : WORDS - 1;
            for (i = 0; i < 14; i = i + 1) if (address == 1 << i) word_at = i + 1;
        end
    endfunction
`else
    localparam WORDS = 1 << (14 - SHIFT);

    function [13:0] word_at (input [13:0] address);
        word_at = address;
    endfunction
`endif
    localparam LANES = DATA_WIDTH_A == 18 ? 2 : 1;
    localparam LANE_BITS = DATA_WIDTH_A / LANES;

    wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7,
                             ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7,
                             ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [17:0] data_in = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                           DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [17:0] data_out, data_back;
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
            DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = data_back;
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
            DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = data_out;

    wire selected_a = CEA & ~|{CSA2, CSA1, CSA0};
    wire selected_b = CEB & ~|{CSB2, CSB1, CSB0};
    wire [13:0] word_a = word_at(address_a >> SHIFT);
    wire [13:0] word_b = word_at(address_b >> SHIFT);

    genvar lane;
    generate
        if (DATA_WIDTH_A < 18) assign data_out[17:DATA_WIDTH_A] = 0;
        if (DATA_WIDTH_A < 18) assign data_back[17:DATA_WIDTH_A] = 0;
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            reg [LANE_BITS-1:0] memory [0:WORDS-1];
            reg [LANE_BITS-1:0] word = 0, registered = 0, back_word = 0, back_registered = 0;

            // A word of two lanes takes its byte enables from the two lowest address bits.
            wire enabled = LANES == 1 || address_a[lane];
            wire write = selected_a & WEA & enabled;
            wire collision = write & word_a == word_b;

            integer i;
            initial for (i = 0; i < WORDS; i = i + 1) memory[i] = 0;

            always @(posedge CLKA) begin
                if (write) memory[word_a] <= data_in[lane*LANE_BITS +: LANE_BITS];
                if (selected_a & ~WEA) back_word <= memory[word_a];
                if (RSTA) back_registered <= 0;
                else if (OCEA) back_registered <= back_word;
            end

            always @(posedge CLKB) begin
                if (selected_b) word <= memory[word_b] ^ {LANE_BITS{collision}};
                if (RSTB) registered <= 0;
                else if (OCEB) registered <= word;
            end

            assign data_out[lane*LANE_BITS +: LANE_BITS] = registered;
            assign data_back[lane*LANE_BITS +: LANE_BITS] = REGMODE_A == "OUTREG" ? back_registered : back_word;
        end
    endgenerate
endmodule
