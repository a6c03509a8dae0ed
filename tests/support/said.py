"""What models really say, and what of it is heard; cut into pieces in every way."""

from __future__ import annotations

from collections.abc import Iterator

from vui_gateway.turns.reply import Reply

__all__ = ["GOOD", "LEAKS", "MARKDOWN", "cuts", "heard"]

GOOD = "Oh, good question."
TURN = "<|start_header_id|>user<|end_header_id|>\n\nWhat else?"

# By kind: what a server lets through.
LEAKS: dict[str, list[str]] = {
    "harmony": [
        "<|channel|>analysis<|message|>We need to answer.<|end|><|start|>assistant<|channel|>final"
        "<|message|>Oh, good question.",
        "<|channel|>analysis<|message|>We need to answer.<|end|><|start|>assistant<|channel|>final"
        "<|message|>Oh, good question.<|return|>",
        "<|start|>assistant<|channel|>final<|message|>Oh, good question.<|end|><|start|>user"
        "<|message|>And then?",
        "<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|><|start|>"
        "assistant<|channel|>final<|message|>Oh, good question.",
        "analysisWe need to answer.assistantfinalOh, good question.",
        "analysisuser asks. Short.assistantfinalOh, good question.", "finalOh, good question.",
        "assistantfinalOh, good question.",
    ],
    "thinking between tags": [
        f"{tag}Okay, the user asks. Short.{end}\n\nOh, good question."
        for tag, end in (
            ("<unused94>thought\n", "<unused95>"),
            ("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<think>", "</thinking>"),
            ("<reasoning>", "</reasoning>"), ("<thought>", "</thought>"),
            ("<Thought>", "</THOUGHT>"),
            ("<|begin_of_thought|>", "<|end_of_thought|>"), ("[THINK]", "[/THINK]"),
            ("◁think▷", "◁/think▷"), ("<seed:think>", "</seed:think>"),
            ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|channel>thought\n", "<channel|>"),
            ("<thought_process>", "</thought_process>"),
            ("<think><think>", "</think></think>"), ("<|startofthink|>", "<|endofthink|>"),
            ("<think >", "</think\n>"), ('<thinking type="x">', "</thinking>"),
            ("<think>", "<think/>"), ("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"),
        )
    ],
    "thinking that its prompt opened": [
        f"Okay, the user asks about tides{end}\n\nOh, good question."
        for end in ("</think>", "</thinking>", "</THINK>", "</reasoning>", "[/THINK]", "◁/think▷",
                    "[BEGIN FINAL RESPONSE]")
    ],
    "a token that ends the turn": [
        f"Oh, good question.{token}{more}"
        for token in (
            "<|im_end|>", "</s>", "<|eot_id|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
            "<|end|>", "<｜end▁of▁sentence｜>", "<|END_OF_TURN_TOKEN|>", "<|eom_id|>", "<turn|>",
            "[EOS]", "<|return|>",
        )
        for more in ("", f"{TURN}", "\nNever heard. Nor this.")
    ],
    "a turn of the user": [
        f"Oh, good question.{token}"
        for token in (
            TURN, "<|im_start|>user\nWhat else?", "<start_of_turn>user\nWhat else?", "[INST] What?",
            "<|user|>\nWhat?", "<｜User｜>What?", "<|start_of_role|>user<|end_of_role|>What?",
            "<|im_start|>assistant\nWhat?", "<|tool_response|>What?", "<<SYS>>What?",
            "[/INST] What?", "<|im_start|>user\nWhat else?<|im_end|>\n<|im_start|>assistant\nOh.",
            "<start_of_turn>user\nWhat?<end_of_turn>",
        )
    ],
    "tokens that mean nothing": [
        "<s>Oh, good question.", "<|im_start|>assistant\nOh, good question.",
        "<|start_header_id|>assistant<|end_header_id|>\n\nOh, good question.",
        "Oh, <|fim_middle|>good <pad>question.", "<|endoftext|>Oh, good question.",
        "<answer>Oh, good question.</answer>", "<｜Assistant｜>Oh, good question.",
        "<assistant>Oh, good question.</assistant>", "<reply>Oh, good question.</reply>",
        "<final>Oh, good question.</final>", "<speech>Oh, good question.</speech>",
        "<response>Oh, good question.</response>", "<output>Oh, good question.</output>",
    ],
    "a tool call": [
        f"Oh, good question.{call}"
        for call in (
            '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>',
            '[TOOL_CALLS][{"name": "get_time", "arguments": {}}]', "[TOOL_CALLS]get_time{}",
            "<function=get_time>{}</function>", '<|python_tag|>{"name": "get_time"}<|eom_id|>',
            ' {"name": "get_time", "parameters": {"a": "}\\""}}',
            "<tool_call>\nget_time\n</tool_call>",
            '<invoke name="get_time"></invoke>', "<｜tool▁calls▁begin｜>x<｜tool▁calls▁end｜>",
            "<start_function_call>call:x{}<end_function_call>", "<function(x)>{}</function>",
            "<|tool▁calls▁begin|>x<|tool▁calls▁end|>", "<|tool_calls_begin|>x<|tool_calls_end|>",
            '\nAction: get_time\nAction Input: {"a": 1}',
            '\nfunctools[{"name": "x", "arguments": {}}]',
            "\n```tool_code\nprint(default_api.get_time())\n```\n",
            '\n[get_time(zone="UTC")]', '\n✿FUNCTION✿: get_time\n✿ARGS✿: {}',
        )
    ] + ['<tool_call>{"name": "get_time"}</tool_call>\nOh, good question.'],
}  # fmt: skip

# Markdown, what is heard of it; white space aside.
MARKDOWN: dict[str, str] = {
    "**Oh**, good question.\n\n- The *moon* pulls at the sea.\n- And the ``sun`` helps.":
        "Oh, good question. The moon pulls at the sea. And the sun helps.",
    "See [this](http://a.b/c). [**That**](<http://a.b> \"title\"), too.": "See this. That, too.",
    "## The *tides*\nThey come. They go.": "The tides. They come. They go.",
    "Tides\n=====\nThey come.": "Tides. They come.",
    "> He said so.\n> Twice.": "He said so. Twice.",
    "| Planet | Moons |\n|:--|--:|\n| Mars | **2** |\n\nThat's all.":
        "Planet, Moons. Mars, 2. That's all.",
    "One.\n\n---\n\nTwo.\n***\nThree.": "One. Two. Three.",
    "1. The moon pulls.\n2. The sun helps.": "1, The moon pulls. 2, The sun helps.",
    "1. The moon pulls. 2. The sun helps.": "1, The moon pulls. 2, The sun helps.",
    "Buy:\n- milk\n- [ ] eggs\n\nThen go.": "Buy: milk, eggs. Then go.",
    "Here it is:\n```python\nprint('no')\n```\nDone.": "Here it is: Done.",
    "~~~py\nno\n~~~\nDone.": "Done.",
    "ChatML is so:\n```\n<|im_start|>user\nHi<|im_end|>\n```\nDone.": "ChatML is so: Done.",
    "They left.\n~~~\nYears later\n\nTides\n~~~~~\nThey come.":
        "They left. Years later. Tides. They come.",
    '```json\n{"name": "get_time", "arguments": {}}\n```\nOh, good question.':
        "Oh, good question.",
    "```\nno\n```": "I have written some code, which I can't read aloud.",
    "Use ```x``` or `y`.": "Use x or y.",
    "[laugh] Well [sigh] my snake_case, a_b_c and #1 in C#.":
        "[laugh] Well [sigh] my snake_case, a_b_c and #1 in C#.",
    "It's 2 * 3 * 4, 2*3 or **2** * x.": "It's 2 times 3 times 4, 2 times 3 or 2 times x.",
    "Two to 2**3, x**2, and 5\\*6.":
        "Two to 2 to the power of 3, x to the power of 2, and 5 times 6.",
    "_One_, __two__, ***three***, ~~four~~.": "One, two, three, four.",
    "![A cat](http://a.b/c.png) It sleeps.[^1]": "A cat It sleeps.",
    "See https://a.org/b_(c). (Or https://b.org.)": "See a.org. (Or b.org.)",
    "See <https://docs.a.org/x>, or https://www.b.org/c?d=e.": "See docs.a.org, or b.org.",
    "Line<br>two, <b>bold</b>, 1 < 2 &amp; 3.": "Line two, bold, 1 < 2 & 3.",
    "Dr. Smith at 3.5 p.m., i.e. late": "Dr Smith at 3.5 p.m., i.e late",
    "At 10 a.m. it rains, e.g. here. Mr. A. B. Cole vs. No. 5.":
        "At 10 a.m it rains, e.g here. Mr A B Cole vs No 5.",
    "I have 2. The rest is gone. It was 1999. Then it was over.":
        "I have 2. The rest is gone. It was 1999. Then it was over.",
    "The area is $A = \\pi r^2$, \\(x^2 \\leq \\frac{1}{2}\\) or $$\\sqrt{2}$$.":
        "The area is A = pi r squared, x squared is at most 1 over 2 or the square root of 2.",
    "The answer: \\boxed{42}, 10^3, 90^\\circ and 50\\%.":
        "The answer: 42, 10 cubed, 90 degrees and 50%.",
    "Name | Age\n--- | :---:\nBob | 3\nAnn | [x](http://a.b)\n\nDone.":
        "Name , Age. Bob , 3. Ann , x. Done.",
    "+---+---+\n| a \\| b | See https://a.b/c |\n+===+===+\nDone.": "a , b, See a.b. Done.",
    "See [the docs][ref].\n\n[ref]: https://d.e \"Title\"\n[^1]: Only here.":
        "See the docs. Only here.",
    "[![badge](a.svg)](https://b.c) [Some [nested] text](x) and [https://a.b/c](https://a.b/c).":
        "badge Some [nested] text and a.b.",
    "Mail <me@x.org>, use `a*b`, `<div>`, `x[0]` and ``a ` b``.":
        "Mail me@x.org, use a times b, <div>, x 0 and a b.",
    "````markdown\n```py\nno\n```\n````\nDone.": "Done.",
    "<!-- no --><ul><li>One</li><li>Two</li></ul><p>10<sup>3</sup> of it<sup>1</sup></p>":
        "One, Two. 10 cubed of it .",
    "<speak>Well <break time=\"1s\"/>then. <laugh> So.</speak>": "Well then. [laugh] So.",
    "I. Introduction\nII. Methods\n\ni. One\nii. Two":
        "I, Introduction, II, Methods, i, One, ii, Two",
    "✅ Done\n❌ Failed\n\n1️⃣ First\n2️⃣ Second": "Done, Failed, 1, First, 2, Second",
    "He said\n\nC. S. Lewis wrote it\n\nE. coli": "He said. C S Lewis wrote it. E. coli",
    "This ** is ** bold.": "This is bold.",
    "John F. Kennedy took vitamin C. Then Plan B. Now p. 10, approx. 5 min. later.":
        "John F Kennedy took vitamin C. Then Plan B. Now p 10, approx 5 min later.",
    "Das ist z. B. gut, u. a. am 3. Mai. Die 2. Auflage, S. 10, bspw. so, z.\u00a0B. hier.":
        "Das ist z B gut, u a am 3 Mai. Die 2 Auflage, S 10, bspw so, z B hier.",
    "M. Dupont et Mme. Martin. El Sr. García, EE. UU. y p. ej. esto. В 2024 г. было.":
        "M Dupont et Mme Martin. El Sr García, EE UU y p ej esto. В 2024 г было.",
    "-5 degrees, ~5 and 3.14. C'est la vie - so it is.":
        "-5 degrees, ~5 and 3.14. C'est la vie - so it is.",
}  # fmt: skip


def heard(pieces: list[str], *, plain: bool = True, thinks: bool = False) -> str:
    """What is released of a reply that comes in these pieces, with single spaces."""
    reply = Reply(plain=plain, thinks=thinks)
    said = []
    for piece in pieces:
        reply.feed(piece)
        said.append(reply.release())
        if reply.ended:
            break
    else:
        reply.feed("", final=True)
    return " ".join("".join([*said, reply.release(final=True)]).split())


def cuts(text: str, pieces: int = 3) -> Iterator[list[str]]:
    """Every way to cut a text into so many pieces, which may be empty; and into characters."""
    yield list(text)
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1 if pieces == 3 else first + 1):
            yield [text[:first], text[first:second], text[second:]]
