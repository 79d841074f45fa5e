"""A tiny corpus in the layout of CodiEsp, with invented texts."""

from pathlib import Path

# (Spanish cited words, English words, system letter, code)
_FACTS = (
    ("hipertensión arterial", "high blood pressure", "D", "I10"),
    ("diabetes mellitus tipo 2", "type 2 diabetes mellitus", "D", "E11.9"),
    ("cólico renal", "renal colic", "D", "N23"),
    ("asma bronquial", "bronchial asthma", "D", "J45.909"),
    ("anemia ferropénica", "iron deficiency anaemia", "D", "D50.9"),
    ("apendicitis aguda", "acute appendicitis", "D", "K35.80"),
    ("tomografía abdominal", "abdominal tomography", "P", "bw20"),
    ("radiografía de tórax", "chest radiograph", "P", "bw03"),
)
_KINDS = {"D": "DIAGNOSTICO", "P": "PROCEDIMIENTO"}


def write_corpus(folder: Path, *, split: str = "train", notes: int = 24) -> Path:
    """Write a split of `notes` notes with three facts each; return the corpus' folder."""
    home = folder / split
    tables: dict[str, list[str]] = {"D": [], "P": [], "X": []}
    for language in ("text_files", "text_files_en"):
        (home / language).mkdir(parents=True)
    for at in range(notes):
        name = f"S{at:04d}-1"
        spanish, english = f"Paciente de {40 + at} años.", f"A {40 + at} year old patient."
        for step in (0, 3, 6 + at % 2):
            words, translated, letter, code = _FACTS[(at + step) % 6 if step < 6 else step]
            start = len(spanish) + len(" Presenta ")
            spanish += f" Presenta {words}."
            english += f"\nPresents {translated}."
            tables[letter].append(f"{name}\t{code.lower()}")
            tables["X"].append(
                f"{name}\t{_KINDS[letter]}\t{code.lower()}\t{words}\t{start} {start + len(words)}"
            )
        if at % 3 == 0:  # named, but not coded
            for words, translated in ((_FACTS[(at + 1) % 6])[:2], _FACTS[7 - at % 2][:2]):
                spanish += f" Se descarta {words}."
                english += f"\nThere is no {translated}."
        (home / "text_files" / f"{name}.txt").write_text(spanish, encoding="utf-8")
        (home / "text_files_en" / f"{name}.txt").write_text(english, encoding="utf-8")
    for letter, rows in tables.items():
        (home / f"{split}{letter}.tsv").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder
