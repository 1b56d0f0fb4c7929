"""
What customers read, in the language of their conversation: the question that is sent, and the page of the link.

These are not in the catalogues of the pages: whoever works here chooses a language, a customer has the one they
wrote in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """
    Args:
        question: sent as an answer; `{url}` is the link.
        scale: what each score means, from 1 to 5.
    """

    html_language: str
    question: str
    title: str
    lead: str
    scale: tuple[str, str, str, str, str]
    comment: str
    send: str
    change: str
    thanks: str
    chosen: str
    until: str
    choose: str
    too_long: str
    ended: str
    unknown: str


ENGLISH = Texts(
    html_language="en",
    question="Your request is done. How satisfied are you with our help? One click: {url}",
    title="How satisfied are you with our help?",
    lead="One question; it takes five seconds.",
    scale=("Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"),
    comment="What should we know? (optional)",
    send="Send",
    change="Change my answer",
    thanks="Thank you!",
    chosen="You chose",
    until="You can change your answer until {day} (UTC).",
    choose="Please choose one of the five.",
    too_long="Please write at most 2,000 characters.",
    ended="This survey has ended. Thank you all the same!",
    unknown="This link is not complete. Please open it from our message again.",
)
CHINESE = Texts(
    html_language="zh-CN",
    question="您的问题已处理完毕。您对我们的服务满意吗？点一下即可：{url}",
    title="您对我们的服务满意吗？",
    lead="只有一个问题，五秒钟就好。",
    scale=("非常不满意", "不满意", "一般", "满意", "非常满意"),
    comment="还有什么想告诉我们的？（选填）",
    send="提交",
    change="修改评价",
    thanks="谢谢您的评价！",
    chosen="您的选择",
    until="在 {day}（UTC）之前您可以修改评价。",
    choose="请从五个选项中选择一个。",
    too_long="请不要超过 2000 字。",
    ended="本次调查已经结束，谢谢您！",
    unknown="链接不完整，请从我们的消息里重新打开。",
)
TEXTS: Mapping[str, Texts] = {"en": ENGLISH, "zh": CHINESE}


def language_of(code: str | None) -> str:
    """
    Choose the language in which somebody is asked.
    """
    return "zh" if (code or "").split("-")[0] == "zh" else "en"
