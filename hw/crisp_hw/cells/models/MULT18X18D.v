// Behavioural model of the ECP5 multiplier MULT18X18D, for simulation and formal proofs.
//
// It covers the one configuration that cells/ecp5.py instantiates: operand and output registers on
// CLK0, always enabled, never reset, no cascade, no pipeline register. Anything else fails to elaborate.

module MULT18X18D (
    input CLK0, CE0, RST0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24,
    output P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12,
    output P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_PIPELINE_CLK = "NONE";
    parameter REG_OUTPUT_CLK = "NONE";
    parameter GSR = "ENABLED";

    generate
        if (REG_INPUTA_CLK != "CLK0" || REG_INPUTB_CLK != "CLK0" || REG_PIPELINE_CLK != "NONE"
            || REG_OUTPUT_CLK != "CLK0" || GSR != "DISABLED")
            MULT18X18D_configuration_without_model unsupported ();
    endgenerate

    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};

    // The 19th bit makes an operand signed or unsigned.
    reg signed [18:0] a_registered = 0, b_registered = 0;
    reg signed [35:0] product = 0;

    always @(posedge CLK0)
        if (RST0) begin
            a_registered <= 0;
            b_registered <= 0;
            product <= 0;
        end else if (CE0) begin
            a_registered <= {SIGNEDA & A17, a};
            b_registered <= {SIGNEDB & B17, b};
            product <= a_registered * b_registered;
        end

    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24,
            P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12,
            P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product;
endmodule
