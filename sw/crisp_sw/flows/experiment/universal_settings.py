"""Which universal networks there are: how they are trained, and which of them come with the package."""

from crisp_sw.train.settings import TrainingSettings

SHIPPED = {
    "resnet18-half-32px": "resnet18_half_tiny_imagenet",
    "mobilenet-v2-half-32px": "mobilenet_v2_half_tiny_imagenet",
}
UNIVERSAL: dict[str, TrainingSettings] = {
    "resnet18-half-32px": TrainingSettings(epochs=30, crop_padding=4, crop_border="mirror"),
    "mobilenet-v2-half-32px": TrainingSettings(
        epochs=30,
        learning_rate=0.05,
        weight_decay=4e-5,
        crop_padding=4,
        crop_border="mirror",
    ),
}
