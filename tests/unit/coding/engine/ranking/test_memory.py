"""The phrase memory: what it finds, what it counts, and that its plain form is complete."""

from rcm_coding.engine.ranking.memory import Lesson, PhraseMemory, learn
from rcm_coding.engine.ranking.words import Language, plain, read_words


def lesson(text: str, codes: str, language: Language = "en", **cited: str) -> Lesson:
    return Lesson(
        read_words(text, language),
        frozenset(codes.split()),
        tuple(
            (tuple(word.key for word in read_words(words, language)), code) for code, words in cited.items()
        ),
    )


def memory() -> PhraseMemory:
    return learn(
        "en",
        [
            lesson("Known high blood pressure.", "I10", I10="high blood pressure"),
            lesson("High blood pressure in the clinic only.", "R030", R030="high blood pressure"),
            lesson("The blood pressure was high.", "I10"),
        ],
    )


def test_learn_counts_citations_and_how_often_a_phrase_was_right() -> None:
    known = memory().phrases[("high", "blood", "pressure")]
    assert (known.notes, known.cited, known.right) == (2, {"I10": 1, "R030": 1}, {"I10": 1, "R030": 1})
    assert known.scattered == 3
    assert known.scattered_right == {"I10": 2, "R030": 1}


def test_find_gives_words_side_by_side_with_their_characters() -> None:
    text = "Seen for HIGH-blood pressures again"
    words = read_words(text, "en")
    (found,) = memory().find(words)
    assert text[words[found.first].start : words[found.last - 1].end] == "HIGH-blood pressures"


def test_find_scattered_needs_the_words_near_each_other() -> None:
    near = read_words("pressure of the blood is high", "en")
    far = read_words("high " + "word " * 20 + "blood pressure", "en")
    assert [found.whole for found in memory().find_scattered(near)] == [False]
    assert memory().find_scattered(far) == []


def test_spanish_words_lose_accents_and_keep_offsets() -> None:
    text = "Presentó hipertensión arterial; İnsólito Ⅻ"
    assert len(plain(text)) == len(text)
    learned = learn("es", [lesson("Hipertension arterial", "I10", "es", I10="hipertensión arterial")])
    words = read_words(text, "es")
    (found,) = learned.find(words)
    assert text[words[found.first].start : words[found.last - 1].end] == "hipertensión arterial"


def test_dump_and_load_give_the_same_memory() -> None:
    learned = memory()
    again = PhraseMemory.load(learned.dump())
    assert again.phrases == learned.phrases
    assert again.dump() == learned.dump()
