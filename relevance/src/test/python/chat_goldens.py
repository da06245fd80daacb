"""Renders the chat templates and expressions of the tests with Transformers and Jinja2.

python chat_goldens.py ../resources/chat   # writes goldens.json there
Made with transformers 5.23.0 and jinja2 3.1.6.
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

SYSTEM = {"role": "system", "content": "  Judge the fit.\nBe strict. "}
USER = {"role": "user", "content": " Query: café {{ 7*7 }} {% if %}\nProduct: 鞋 \U0001f45f  "}
REPLY = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes"}
PLAIN_REPLY = {"role": "assistant", "content": "No"}
AGAIN = {"role": "user", "content": "Why?"}
THOUGHT = {"role": "assistant", "content": "Yes", "reasoning_content": "\nsame shoe\n"}
CONVERSATIONS = [
    [SYSTEM, USER],
    [USER],
    [SYSTEM, USER, REPLY, AGAIN],
    [USER, PLAIN_REPLY, AGAIN, REPLY],
    [SYSTEM, USER, PLAIN_REPLY, AGAIN, THOUGHT],
]

EXPRESSIONS = [
    "{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 % 4 }} {{ 2 ** 3 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }}",
    "{{ 'a' ~ 1 ~ true ~ none }}|{{ [1, 'b', none, true, 2.5] }}|{{ {'k': \"it's\"} }}",
    "{{ xs[1:] }} {{ xs[:-1] }} {{ xs[::-1] }} {{ xs[::2] }} {{ 'hello'[1:3] }} {{ 'hello'[::-1] }} {{ xs[-1] }}",
    "{% for x in xs if x % 2 %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ ', ' if not loop.last }}{% else %}none{% endfor %}",
    "{% for x in [] %}a{% else %}empty{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{{ d.get('zz', 'q') }}{{ d | length }}{{ d['a'] }}{{ d.b }}",
    "{% set ns = namespace(n=0) %}{% for x in xs %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}",
    "{% set y = 1 %}{% for x in xs %}{% set y = x %}{% endfor %}{{ y }}{% if true %}{% set y = 9 %}{% endif %}{{ y }}",
    "{% macro m(a, b='x') %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(2, b='y') }}{{ m('p', 'q') | upper }}",
    "{{ missing }}|{{ missing is defined }}|{{ missing | default('dd') }}|{{ '' | default('e', true) }}|{{ none | default('n') }}",
    "{{ 'a' if missing else 'b' }}|{{ 'c' if missing }}|{{ not missing is none }}|{{ 1 if xs else 2 }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 'a' in 'abc' }} {{ 2 not in xs }} {{ 'a' in d }} {{ 1 == 1.0 }} {{ 'x' == none }}",
    "{{ '  a b  ' | trim }}|{{ 'xxaxx'.strip('x') }}|{{ ' a'.lstrip() }}|{{ 'b\\n\\n'.rstrip('\\n') }}|{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a-b-c'.split('-', 1) }}|{{ 'a-b-c'.rsplit('-', 1) }}",
    "{{ 'Abc'.lower() }}{{ 'abc'.upper() }}{{ 'abc def'.title() }}{{ 'ABC' | capitalize }}{{ 'aXbX'.replace('X', '-') }}{{ 'aXbX' | replace('X', '-', 1) }}{{ 'abc'.find('c') }}{{ 'abab'.count('ab') }}",
    "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ ', '.join(['a', 'b']) }}{{ 'pre-x'.removeprefix('pre-') }}",
    "{{ d | tojson }}|{{ {'t': 'é\"\\n', 'l': [1, [], {}], 'n': none} | tojson }}|{{ d | tojson(indent=2) }}",
    "{{ xs | first }}{{ xs | last }}{{ xs | join('-') }}{{ xs | reverse | list }}{{ xs | map('string') | join(',') }}{{ xs | select('odd') | list }}{{ xs | reject('odd') | list }}{{ xs | sum }}{{ xs | max }}",
    "{{ people | map(attribute='n') | join(',') }}|{{ people | selectattr('ok') | map(attribute='n') | list }}|{{ people | rejectattr('n', 'equalto', 'b') | map(attribute='n') | list }}",
    "{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby 3 }}{{ 'x' is string }}{{ d is mapping }}{{ xs is iterable }}{{ xs is sequence }}{{ none is none }}{{ 1 is number }}{{ true is boolean }}{{ 1.5 is float }}{{ 'a' is in ['a'] }}{{ 3 is sameas 3 }}",
    "{{ range(3) | list }}{{ range(1, 6, 2) | list }}{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n  {{ 'd' }}\n  {#- e #}\nf {%- if true -%}  g  {%- endif %}\n\nh\n",
    "x {%+ if true +%}\n y{% endif %}\n  {# note #}\n z\n",
    "  {%- set a, b = 1, 2 -%}  {{ a }}{{ b }} {% set t %}in{{ a }}{% endset %}{{ t }}{% filter upper %}f{{ b }}{% endfilter %}",
    "{% raw %}{{ not }} {% this %}{% endraw %}|{{ '%}' }}|{{ \"}}\" }}|{{ {'a': {'b': 1}}.a.b }}",
    "{% generation %}kept{% endgeneration %}{{ 'one' 'two' }}{{ (1, 2) | length }}{{ 'abc' | length }}{{ '日本' | length }}",
    "{{ xs | length - 1 }}{{ (xs | length) * 2 }}{{ -xs[0] }}{{ xs[0] | abs }}{{ '5' | int + 1 }}{{ 'a\nb' | indent(2) }}",
    "{{ true and 'x' or 'y' }}{{ none or 0 or 'z' }}{{ not true }}{{ not (1 == 2) and 3 }}",
    "{% if xs and xs[0] == 1 %}A{% elif d %}B{% else %}C{% endif %}{% if missing %}D{% elif not d %}E{% else %}F{% endif %}",
]
VARIABLES = {
    "xs": [1, 2, 3],
    "d": {"a": 1, "b": "two"},
    "people": [{"n": "a", "ok": True}, {"n": "b", "ok": False}, {"n": "c", "ok": True}],
}


def generation_tag():
    from transformers.utils.chat_template_utils import _compile_jinja_template

    return _compile_jinja_template


def main():
    folder = pathlib.Path(sys.argv[1])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"[unk]": 0}, unk_token="[unk]")),
        bos_token="<bos>",
        eos_token="<eos>",
    )
    chats = []
    for path in sorted(folder.glob("*.jinja")):
        for messages in CONVERSATIONS:
            for thinking in (False, True):
                text = tokenizer.apply_chat_template(
                    messages,
                    chat_template=path.read_text(encoding="utf-8"),
                    tokenize=False,
                    add_generation_prompt=True,
                    enable_thinking=thinking,
                )
                chats.append(
                    {"template": path.name, "messages": messages, "thinking": thinking, "text": text}
                )
    compile_template = generation_tag()
    expressions = [
        {"template": e, "text": compile_template(e).render(**VARIABLES)} for e in EXPRESSIONS
    ]
    goldens = {"chats": chats, "variables": VARIABLES, "expressions": expressions}
    (folder / "goldens.json").write_text(
        json.dumps(goldens, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


main()
