"""
The benchmark of reading: figures beside plain TextBlob's, and a clear error without golden texts.
"""

import json

import pytest

from bot.bench.reading import NoGoldenTextsError, run

GOLDEN = (
    "half\tlanguage\tmood\tintent\ttext\n"
    "tuning\ten\tpositive\tpraise\tI love it\n"
    "hard\tzh\tnegative\tcomplaint\t太差了\n"
)


def test_it_measures_accuracy_and_speed_and_prints_as_json(tmp_path):
    (tmp_path / "texts.tsv").write_text(GOLDEN, encoding="utf-8")
    figures = json.loads(json.dumps(run(tmp_path / "texts.tsv")))
    assert figures["accuracy"]["all"]["texts"] == 2
    assert figures["accuracy"]["all"]["mood"] == 1.0
    assert figures["accuracy"]["hard"]["plain_textblob_mood"] == 0.0
    assert figures["misses"] == []
    assert all(rate > 0 for rate in figures["texts_per_second"].values())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file.*root of a checkout"),
        (b"half\n", "holds no texts"),
        (b"half\nx", "line 2"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_unreadable_golden_texts_are_named(tmp_path, content, said):
    path = tmp_path / "golden.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NoGoldenTextsError, match=said) as caught:
        run(path)
    assert "golden.tsv" in str(caught.value)
