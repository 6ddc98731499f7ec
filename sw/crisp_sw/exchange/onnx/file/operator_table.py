"""Every ONNX operator that is accepted, with all inputs and attributes that it has in any accepted opset."""

from crisp_sw.exchange.onnx.file.schema import Attribute, Input, Operator

FLOAT, SHAPE, FLAG = ("float32",), ("int64",), ("bool",)
NARROW = ("int2", "uint2", "int4", "uint4")
INTEGERS = (*NARROW, "int8", "uint8", "int16", "uint16", "int32")
INDEX = ("int32", "int64")
CODES = ("int8", "uint8")
ANY = (*INTEGERS, *SHAPE, *FLOAT, *FLAG)
WHOLE_BYTES = tuple(name for name in ANY if name not in NARROW)

UNDEFINED, TYPE_FLOAT, TYPE_UINT8, TYPE_INT8, TYPE_INT32, TYPE_INT64 = 0, 1, 2, 3, 6, 7
"""Types as ``TensorProto.DataType`` numbers them."""

NO_FLOAT8 = "no effect: only for types of 8-bit floats, which are refused"
NO_EFFECT_ON_ONE_PIXEL = "no effect: the window is the whole image"


def _x(name: str, reading: str, types: tuple[str, ...] = FLOAT) -> Input:
    return Input(name, reading, types)


AUTO_PAD = Attribute(
    "auto_pad", "STRING", "NOTSET, or VALID without pads", "NOTSET", accepts=("NOTSET", "VALID")
)
PADS = Attribute("pads", "INTS", "equal on opposite sides")
STRIDES = Attribute("strides", "INTS", "equal for both axes")
DILATIONS = Attribute("dilations", "INTS", "only 1")

ADD_INPUTS = tuple(Input(name, "activation, or constant bias per channel", FLOAT) for name in "AB")


def _zero_point(name: str, types: tuple[str, ...]) -> Input:
    reading = "its zero point, one number or one per channel; absent: 0"
    return Input(name, reading, types, optional=True, constant=True)


def _scale(name: str) -> Input:
    reading = "one number, or for constants one per entry of the axis"
    return Input(name, reading, FLOAT, constant=True)


QUANTIZATION_AXIS = Attribute("axis", "INT", "axis that the scales of a constant belong to", 1)
BLOCK_SIZE = Attribute("block_size", "INT", "only 0: no blocks", 0, since=21, accepts=(0,))

OPERATORS: dict[str, Operator] = {
    "QuantizeLinear": Operator(
        inputs=(
            _x("x", "the image, the output of a layer, or a constant"),
            _scale("y_scale"),
            _zero_point("y_zero_point", CODES),
        ),
        attributes=(
            QUANTIZATION_AXIS,
            BLOCK_SIZE,
            Attribute("saturate", "INT", NO_FLOAT8, 1, since=19),
            Attribute(
                "output_dtype",
                "INT",
                "the zero point's type; without one int8 or uint8, the latter if absent",
                UNDEFINED,
                since=21,
                accepts=(UNDEFINED, TYPE_UINT8, TYPE_INT8),
            ),
            Attribute("precision", "INT", "only float", 0, since=23, accepts=(UNDEFINED, TYPE_FLOAT)),
        ),
        outputs=("y",),
    ),
    "DequantizeLinear": Operator(
        inputs=(
            _x("x", "codes of an activation, or constant integers", INTEGERS),
            _scale("x_scale"),
            _zero_point("x_zero_point", INTEGERS),
        ),
        attributes=(
            QUANTIZATION_AXIS,
            BLOCK_SIZE,
            Attribute("output_dtype", "INT", "only float", 0, since=23, accepts=(UNDEFINED, TYPE_FLOAT)),
        ),
        outputs=("y",),
    ),
    "Conv": Operator(
        inputs=(
            _x("X", "dequantized image"),
            _x("W", "dequantized constant, symmetric int8 per output channel"),
            Input("B", "bias, one per output channel", FLOAT, optional=True, constant=True),
        ),
        attributes=(
            AUTO_PAD,
            DILATIONS,
            Attribute("group", "INT", "groups of channels", 1),
            Attribute("kernel_shape", "INTS", "must be that of the weight"),
            PADS,
            STRIDES,
        ),
        outputs=("Y",),
    ),
    "Gemm": Operator(
        inputs=(
            _x("A", "dequantized vector"),
            _x("B", "dequantized constant, symmetric int8 per output"),
            Input("C", "bias, one per output", FLOAT, optional=True, constant=True),
        ),
        attributes=(
            Attribute("alpha", "FLOAT", "only 1", 1.0, accepts=(1.0,)),
            Attribute("beta", "FLOAT", "only 1", 1.0, accepts=(1.0,)),
            Attribute("transA", "INT", "only 0", 0, accepts=(0,)),
            Attribute("transB", "INT", "which axis of the weight has the outputs", 0),
        ),
        outputs=("Y",),
    ),
    "MatMul": Operator(
        inputs=(_x("A", "dequantized vector"), _x("B", "dequantized constant, symmetric int8 per output")),
        outputs=("Y",),
    ),
    "Add": Operator(inputs=ADD_INPUTS, outputs=("C",)),
    "Relu": Operator(inputs=(_x("X", "output of a convolution or addition"),), outputs=("Y",)),
    "Clip": Operator(
        inputs=(
            _x("input", "output of a convolution or addition"),
            Input("min", "lower bound", FLOAT, optional=True, constant=True, single=True),
            Input("max", "upper bound", FLOAT, optional=True, constant=True, single=True),
        )
    ),
    "MaxPool": Operator(
        inputs=(_x("X", "image, dequantized or codes"),),
        attributes=(
            AUTO_PAD,
            Attribute("ceil_mode", "INT", "1 only where it adds no pixel", 0, accepts=(0, 1)),
            DILATIONS,
            Attribute("kernel_shape", "INTS", "square", required=True),
            PADS,
            Attribute("storage_order", "INT", "no effect: only for indices, which nothing may read", 0),
            STRIDES,
        ),
        outputs=("Y", "Indices"),
    ),
    "GlobalAveragePool": Operator(inputs=(_x("X", "dequantized image"),), outputs=("Y",)),
    "AveragePool": Operator(
        inputs=(_x("X", "dequantized image"),),
        attributes=(
            AUTO_PAD,
            Attribute("ceil_mode", "INT", NO_EFFECT_ON_ONE_PIXEL, 0),
            Attribute("count_include_pad", "INT", "no effect: there is no padding", 0),
            Attribute("dilations", "INTS", "only 1", since=19),
            Attribute("kernel_shape", "INTS", "that of the whole image, or 1 and no effect", required=True),
            Attribute("pads", "INTS", "only 0"),
            Attribute("strides", "INTS", f"only 1 with a kernel of 1; else {NO_EFFECT_ON_ONE_PIXEL}"),
        ),
        outputs=("Y",),
    ),
    "ReduceMean": Operator(
        inputs=(
            _x("data", "dequantized image"),
            Input("axes", "2 and 3", SHAPE, optional=True, constant=True, since=18),
        ),
        attributes=(
            Attribute("axes", "INTS", "2 and 3", until=17),
            Attribute("keepdims", "INT", "whether the image axes stay", 1),
            Attribute("noop_with_empty_axes", "INT", "no effect: axes are not empty", 0, since=18),
        ),
        outputs=("reduced",),
    ),
    "Flatten": Operator(
        inputs=(_x("input", "activation"),),
        attributes=(Attribute("axis", "INT", "only 1", 1, accepts=(1,)),),
    ),
    "Reshape": Operator(
        inputs=(
            _x("data", "activation or constant", ANY),
            Input("shape", "a vector of each image, the shape that it has, or any of a constant", SHAPE),
        ),
        attributes=(Attribute("allowzero", "INT", "1 only if no size is 0", 0, since=14, accepts=(0, 1)),),
        outputs=("reshaped",),
    ),
    "Squeeze": Operator(
        inputs=(
            _x("data", "activation", ANY),
            Input("axes", "2 and 3", SHAPE, optional=True, constant=True),
        ),
        outputs=("squeezed",),
    ),
    "Pad": Operator(
        inputs=(
            _x("data", "dequantized image"),
            Input("pads", "equal on opposite sides of the image axes", SHAPE, constant=True),
            Input("constant_value", "only 0", FLOAT, optional=True, constant=True, single=True),
            Input("axes", "must be absent", (), optional=True, constant=True, since=18),
        ),
        attributes=(Attribute("mode", "STRING", "only constant", "constant", accepts=("constant",)),),
    ),
    "Identity": Operator(inputs=(_x("input", "anything", ANY),)),
    "Dropout": Operator(
        inputs=(
            _x("data", "activation"),
            Input("ratio", "no effect: only in training", FLOAT, optional=True, constant=True),
            Input("training_mode", "only false", FLAG, optional=True, constant=True, single=True),
        ),
        attributes=(Attribute("seed", "INT", "no effect: only in training"),),
        outputs=("output", "mask"),
    ),
    "Shape": Operator(
        inputs=(_x("data", "activation or constant", ANY),),
        attributes=(
            Attribute("end", "INT", "last axis, left out", since=15),
            Attribute("start", "INT", "first axis", 0, since=15),
        ),
        outputs=("shape",),
    ),
    "Constant": Operator(
        inputs=(),
        attributes=(
            Attribute("sparse_value", "SPARSE_TENSOR", "the values, with zeros between them"),
            Attribute("value", "TENSOR", "the values"),
            Attribute("value_float", "FLOAT", "one float32"),
            Attribute("value_floats", "FLOATS", "a list of float32"),
            Attribute("value_int", "INT", "one int64"),
            Attribute("value_ints", "INTS", "a list of int64"),
            Attribute("value_string", "STRING", "must be absent", accepts=()),
            Attribute("value_strings", "STRINGS", "must be absent", accepts=()),
        ),
    ),
    "Gather": Operator(
        inputs=(
            Input("data", "at most 1024 numbers", WHOLE_BYTES, constant=True),
            Input("indices", "at most 1024", INDEX, constant=True),
        ),
        attributes=(Attribute("axis", "INT", "axis of the indices", 0),),
    ),
    "Unsqueeze": Operator(
        inputs=(
            Input("data", "integers or floats", ANY, constant=True),
            Input("axes", "axes of the result", SHAPE, constant=True),
        ),
        outputs=("expanded",),
    ),
    "Concat": Operator(
        inputs=(Input("inputs", "at most 1024 numbers", WHOLE_BYTES, constant=True, variadic=True),),
        attributes=(Attribute("axis", "INT", "axis to put them together along", required=True),),
        outputs=("concat_result",),
    ),
    "Slice": Operator(
        inputs=(
            Input("data", "integers or floats", WHOLE_BYTES, constant=True),
            Input("starts", "first entry of each axis", INDEX, constant=True),
            Input("ends", "last entries, left out", INDEX, constant=True),
            Input("axes", "each of them once", INDEX, optional=True, constant=True),
            Input("steps", "from one entry to the next", INDEX, optional=True, constant=True),
        ),
    ),
    "ConstantOfShape": Operator(
        inputs=(Input("input", "shape of at most 1024 numbers", SHAPE, constant=True),),
        attributes=(Attribute("value", "TENSOR", "one number; absent: float 0"),),
    ),
    "Mul": Operator(
        inputs=tuple(Input(name, "at most 1024 numbers", (*INDEX, *FLOAT), constant=True) for name in "AB"),
        outputs=("C",),
    ),
    "Cast": Operator(
        inputs=(Input("input", "numbers that the new type holds", ANY, constant=True),),
        attributes=(
            Attribute("round_mode", "STRING", NO_FLOAT8, "up", since=24),
            Attribute("saturate", "INT", NO_FLOAT8, 1, since=19),
            Attribute(
                "to",
                "INT",
                "float, int32 or int64",
                required=True,
                accepts=(TYPE_FLOAT, TYPE_INT32, TYPE_INT64),
            ),
        ),
    ),
    "Transpose": Operator(
        inputs=(Input("data", "integers or floats", ANY, constant=True),),
        attributes=(Attribute("perm", "INTS", "order of the axes; absent: reversed"),),
        outputs=("transposed",),
    ),
}
