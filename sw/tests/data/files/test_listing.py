"""Layouts of image folders: what is found, and what is refused."""

import os

import pytest

from crisp_sw.data.files.listing import is_image_folder, list_image_folder
from crisp_sw.errors import DatasetError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.fixture
def folder(tmp_path):
    touch(tmp_path, "train/b/images/2.JPEG", "train/b/b_boxes.txt", "train/a/1.png", "train/a/0.jpg")
    return tmp_path


def names(listing, root):
    return [str(file.relative_to(root)) for file in listing.files]


def test_pictures_are_listed_by_class(folder):
    touch(folder, "val/b/x.png")
    ids, train, test = list_image_folder(folder)
    assert ids == ["a", "b"]
    assert names(train, folder) == ["train/a/0.jpg", "train/a/1.png", "train/b/images/2.JPEG"]
    assert train.labels == [0, 0, 1]
    assert (names(test, folder), test.labels) == (["val/b/x.png"], [1])


def test_annotated_pictures_are_listed_by_class(folder):
    touch(folder, "val/images/val_0.JPEG", "test/images/test_0.JPEG")
    (folder / "val" / "val_annotations.txt").write_text("val_0.JPEG\tb\t1\t2\t3\t4\n\nval_1.JPEG\ta\n")
    _, _, test = list_image_folder(folder)
    assert names(test, folder) == ["val/images/val_1.JPEG", "val/images/val_0.JPEG"]
    assert test.labels == [0, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("val_0.JPEG\tc\n", r"line 1 gives 'val_0.JPEG' the class 'c'; expected .* such as a"),
        ("val_0.JPEG a\n", r"line 1 gives 'val_0.JPEG a' the class ''"),
        ("", "val_annotations.txt: no pictures"),
        (
            "../../a.png\ta\n",
            r"line 1 names the picture '../../a.png'; expected the name of a file in images/",
        ),
        ("/etc/a.png\ta\n", "line 1 names the picture '/etc/a.png'"),
        ("a\0.png\ta\n", r"line 1 names the picture 'a\\x00.png'"),
        ("\ta\n", "line 1 names the picture ''"),
        ("x.png\ta\nx.png\tb\n", "line 2 names the picture 'x.png'; expected .*, each once"),
    ],
)
def test_bad_annotations_are_named(folder, content, message):
    touch(folder, "val/val_annotations.txt")
    (folder / "val" / "val_annotations.txt").write_text(content)
    with pytest.raises(DatasetError, match=message):
        list_image_folder(folder)


def test_annotations_in_another_encoding_are_named(folder):
    touch(folder, "val/val_annotations.txt")
    (folder / "val" / "val_annotations.txt").write_bytes(b"a.png\ta\n\n\xe9.png\tb\n")
    with pytest.raises(DatasetError, match=r"val_annotations\.txt: line 3 has the byte 0xe9"):
        list_image_folder(folder)


def test_files_of_unknown_kinds_are_listed_and_metadata_are_not(folder):
    touch(folder, "train/a/2.tif", "train/b/images/3.GIF", "train/b/4", "val/a/x.png", "val/b/y.heic")
    touch(folder, "train/a/.DS_Store", "train/a/Thumbs.db", "train/a/boxes.xml", "train/a/README.txt")
    _, train, test = list_image_folder(folder)
    assert names(train, folder) == ["train/a/0.jpg", "train/a/1.png", "train/b/images/2.JPEG"]
    assert [str(file.relative_to(folder)) for file in train.strange] == [
        "train/a/2.tif",
        "train/b/4",
        "train/b/images/3.GIF",
    ]
    assert test.problems == [
        f"{folder}/val/b/y.heic: no picture of a known kind; "
        "expected one of .bmp, .jpeg, .jpg, .pgm, .png, .ppm, .webp"
    ]


def test_hidden_files_and_folders_are_ignored(folder):
    touch(folder, "val/a/x.png")
    ids, train, test = list_image_folder(folder)
    touch(folder, "train/a/._0.jpg", "train/.cache/1.png", "train/b/.trash/2.png", "val/.cache/3.png")
    assert list_image_folder(folder) == (ids, train, test)


def test_folder_with_nothing_but_unknown_kinds_names_one(folder):
    touch(folder, "val/b/1.tif")
    with pytest.raises(DatasetError, match=r"val: no pictures, only .*/val/b/1\.tif; expected files such"):
        list_image_folder(folder)


def test_class_whose_name_is_no_text_is_refused(folder):
    os.mkdir(os.fsencode(folder / "train") + b"/caf\xe9")
    with pytest.raises(
        DatasetError, match=r"train: the class folder 'caf\\udce9' has a name that is no UTF-8"
    ):
        list_image_folder(folder)


def test_folder_is_recognised(folder):
    assert not is_image_folder(folder)
    (folder / "test").mkdir()
    assert is_image_folder(folder)


def test_links_to_folders_within_a_class_are_not_passed_over(folder):
    touch(folder, "val/a/x.png", "val/b/y.png")
    (folder / "train" / "a" / "up").symlink_to("..")
    (folder / "train" / "c").symlink_to("a")
    (folder / "val" / "c").symlink_to("a")
    _, train, test = list_image_folder(folder)
    assert names(train, folder)[-2:] == ["train/c/0.jpg", "train/c/1.png"]
    assert [problem.partition(": ")[2] for problem in train.problems] == [
        "a link to a folder, which is not followed; expected pictures"
    ] * 2
    assert test.problems == []
