"""
Drafts go into the table and come back as they were.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import Invalid
from bot.outbox.drafts import draft_from_json, draft_to_json
from connectors.base import Draft, Media, Visibility

DRAFTS = st.builds(
    Draft,
    text=st.text(),
    subject=st.text(),
    language=st.none() | st.sampled_from(["en", "zh"]),
    visibility=st.none() | st.sampled_from(Visibility),
    automatic=st.booleans(),
)


@given(DRAFTS)
def test_a_draft_comes_back_as_it_was(draft):
    assert draft_from_json(json.loads(json.dumps(draft_to_json(draft)))) == draft


def test_files_are_refused_by_name():
    draft = Draft(text="look", media=(Media(content=b"x", content_type="image/png", name="x.png"),))
    with pytest.raises(Invalid) as error:
        draft_to_json(draft)
    assert "media" in error.value.fields
