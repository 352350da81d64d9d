"""The filter language: what is read, where it is wrong, and that writing reads back the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.filter_language import (
    Completion,
    FilterError,
    add_term,
    complete,
    format_filter,
    format_term,
    parse_filter,
    parse_terms,
    remove_term,
    toggle_term,
)
from smtpadmin.model.errors import UsageError
from smtpadmin.model.filter import FILTER_FIELDS, NUMBER_FIELDS, Filter, NumberTerm, TextTerm


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("timeout", TextTerm(None, "timeout")),
        ("-timeout", TextTerm(None, "timeout", negated=True)),
        ('"too many connections"', TextTerm(None, "too many connections")),
        ("from:bob", TextTerm("from", "bob")),
        ("From:Bob", TextTerm("from", "Bob")),
        ("-to:*@example.org", TextTerm("to", "*@example.org", negated=True)),
        ("domain=example.org", TextTerm("domain", "example.org", exact=True)),
        ("from=<>", TextTerm("from", "<>", exact=True)),
        (r'reason:"said \"no\" \\ at all"', TextTerm("reason", r'said "no" \ at all')),
        (r'reason:"C:\x"', TextTerm("reason", r"C:\x")),
        ("code:4.7.1", TextTerm("code", "4.7.1")),
        ("*", TextTerm(None, "*")),
        ("status=deferred", TextTerm(None, "status=deferred")),
        ("2001:db8::1", TextTerm(None, "2001:db8::1")),
        ("bob@example.org", TextTerm(None, "bob@example.org")),
        ("age>1h", NumberTerm("age", ">", 3600)),
        ("age<=90", NumberTerm("age", "<=", 90)),
        ("AGE>2W", NumberTerm("age", ">", 1_209_600)),
        ("-size>1.5M", NumberTerm("size", ">", 1_572_864, negated=True)),
        ("size>=10KiB", NumberTerm("size", ">=", 10_240)),
        ("size<5b", NumberTerm("size", "<", 5)),
        ("tries=5", NumberTerm("tries", "=", 5)),
    ],
)
def test_one_term(text: str, term: TextTerm | NumberTerm) -> None:
    assert parse_filter(f"  {text}\t").terms == (term,)


def test_several_terms_keep_their_order_and_the_source() -> None:
    found = parse_filter('from:a  "b c" -tries<2')
    assert [type(term) for term in found.terms] == [TextTerm, TextTerm, NumberTerm]
    assert found.source == 'from:a  "b c" -tries<2'


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_nothing_lets_everything_through(text: str) -> None:
    assert parse_filter(text).terms == ()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("form:bob", "form", "Did you mean from"),
        ("subjekt:hi", "subjekt", "quotes"),
        ("x tires>5", "tires", "Did you mean tries"),
        ("from:", "", "a value after from: is missing"),
        ('x from:""', '""', "missing"),
        ("-", "", "a word is missing"),
        ("from>bob", ">", "cannot be compared"),
        ("age:1h", "age:", "Compare it"),
        ("age>soon", "soon", "'soon' is not a time"),
        ("age>1K", "1K", "not a time"),
        ("size>1h", "1h", "not a size"),
        ("tries>1m", "1m", "not a number"),
        ("size>-1", "-1", "not a size"),
        ('a "b c', '"b c', "not closed"),
        ('"a"b', "b", "space is missing"),
        ("age>" + "9" * 31, "9" * 31, "not a time"),
    ],
)
def test_an_error_says_where_and_what(text: str, place: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert text[caught.value.start : caught.value.end] == place
    assert words in str(caught.value)
    assert isinstance(caught.value, UsageError)


def test_a_missing_number_points_behind_the_comparison() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("age>")
    assert caught.value.start == 4


def test_an_endless_filter_is_refused() -> None:
    with pytest.raises(FilterError, match="longer than 10000"):
        parse_filter("x" * 10_001)


texts = st.text(min_size=1, max_size=30)
text_terms = st.builds(TextTerm, st.none(), texts, st.booleans()) | st.builds(
    TextTerm, st.sampled_from(FILTER_FIELDS), texts, st.booleans(), st.booleans()
)
numbers = st.integers(0, 2**53) | st.floats(0, 1e20).filter(lambda v: v == 0 or v > 1e-15)
number_terms = st.builds(
    NumberTerm,
    st.sampled_from(NUMBER_FIELDS),
    st.sampled_from((">", ">=", "<", "<=", "=")),
    numbers.map(float),
    st.booleans(),
)
terms = text_terms | number_terms


@given(st.lists(terms, max_size=6))
def test_what_is_written_reads_back(wanted: list[TextTerm | NumberTerm]) -> None:
    written = format_filter(Filter(tuple(wanted)))
    assert parse_filter(written).terms == tuple(wanted)


@given(st.text(alphabet='ab:"\\-*<>= \t1hKfromage', max_size=40))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    found, error = _parsed_or_error(text)
    if error is not None:
        assert 0 <= error.start <= error.end
        assert error.start <= len(text)
    else:
        assert parse_filter(format_filter(found)).terms == found.terms


def _parsed_or_error(text: str) -> tuple[Filter, FilterError | None]:
    try:
        return parse_filter(text), None
    except FilterError as error:
        return Filter(), error


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (NumberTerm("age", ">", 7200), "age>2h"),
        (NumberTerm("size", "<", 1_572_864), "size<1536K"),
        (NumberTerm("size", "<", 1.5), "size<1.5"),
        (NumberTerm("tries", ">=", 5, negated=True), "-tries>=5"),
        (TextTerm(None, "from:x"), '"from:x"'),
        (TextTerm("reason", "a b"), 'reason:"a b"'),
        (TextTerm("from", "<>", exact=True), "from=<>"),
    ],
)
def test_writing_is_as_a_person_would(term: TextTerm | NumberTerm, text: str) -> None:
    assert format_term(term) == text


def test_terms_know_their_place() -> None:
    text = '  from:a -"b c"'
    assert [text[p.start : p.end] for p in parse_terms(text)] == ["from:a", '-"b c"']


def test_filter_for_and_exclude() -> None:
    term = TextTerm("domain", "example.org", exact=True)
    text = add_term("age>1h", term)
    assert text == "age>1h domain=example.org"
    assert add_term(text, term) == text
    opposite = TextTerm("domain", "example.org", negated=True, exact=True)
    assert add_term(text, opposite) == "age>1h -domain=example.org"
    assert add_term("", term) == "domain=example.org"


def test_a_removed_term_leaves_the_rest_as_typed() -> None:
    text = 'From:a   domain:x "b  c"'
    assert remove_term(text, TextTerm("domain", "x")) == 'From:a "b  c"'
    assert remove_term(text, TextTerm("domain", "y")) == text


def test_a_chip_toggles() -> None:
    term = TextTerm("state", "hold")
    assert toggle_term(toggle_term("a", term), term) == "a"


@given(st.lists(terms, max_size=4), terms)
def test_adding_then_removing_is_as_before(
    before: list[TextTerm | NumberTerm], term: TextTerm | NumberTerm
) -> None:
    text = format_filter(Filter(tuple(before)))
    after = parse_filter(remove_term(add_term(text, term), term)).terms
    opposite = type(term)(**{**_fields(term), "negated": not term.negated})
    assert after == tuple(t for t in before if t not in (term, opposite))


def _fields(term: TextTerm | NumberTerm) -> dict[str, object]:
    return {name: getattr(term, name) for name in type(term).__slots__}


def test_completion_of_fields_comparisons_and_values() -> None:
    assert complete("x fr", 4) == [Completion("from:", 2, 4)]
    assert Completion("age>1h", 0, 1) in complete("a", 1)
    assert complete("-st", 3) == [Completion("-state:", 0, 3)]
    assert [c.text for c in complete("state:d", 7)] == ["state:deferred", "state:hold"]
    domains = {"domain": ["two words", "example.org"]}
    assert [c.text for c in complete("domain:", 7, domains)] == [
        'domain:"two words"',
        "domain:example.org",
    ]
    assert complete("nonsense:", 9) == []
    assert complete("xyz", 3) == []


@given(st.text(alphabet='ab:"-st ', max_size=20), st.integers(0, 20))
def test_completion_never_raises_and_stays_inside(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    for completion in complete(text, cursor):
        assert 0 <= completion.start <= completion.end == cursor
