"""What `rcm code` runs for each note: options checked once, knowledge and model loaded once."""

from datetime import date
from functools import cached_property

from rcm_shared.clock import today
from rcm_shared.contracts.intake import ClaimForm, Setting

from rcm_coding.domain.case import Grouping
from rcm_coding.domain.edits import Edit, evaluate
from rcm_coding.engine.detectors import judge_codes
from rcm_coding.engine.evidence import Document, Suggestions
from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.model import BadModelError, Model
from rcm_coding.engine.ranking.words import Language
from rcm_coding.engine.suggest import suggest
from rcm_coding.engine.tabular import plain_code
from rcm_coding.gateways.codeset_store import CodesetStore
from rcm_coding.gateways.editions import default_knowledge
from rcm_coding.gateways.grouper import load_grouper
from rcm_coding.gateways.line_tables import load_tables
from rcm_coding.gateways.mce import load_editor
from rcm_coding.gateways.models import choose_model
from rcm_coding.gateways.notes import Note
from rcm_coding.gateways.pcs_validity import pcs_codes_on
from rcm_coding.gateways.weights import Weigh, weights_of
from rcm_coding.handlers.note_answers import Answer, ClaimCodes, Person, claim_codes, documents_of, stay_of

_FORMS = ("837P", "837I")


class UsageError(ValueError):
    """An option that cannot be. The message is one sentence."""


class Reader:
    """Codes notes under fixed options."""

    def __init__(
        self,
        *,
        setting: str,
        day: str,
        sex: str,
        birth_date: str,
        lang: str,
        model: str,
        claim_form: str,
        settings: tuple[str, ...],
        chosen: tuple[str, ...] = (),
    ) -> None:
        if setting and setting not in settings:
            raise UsageError(f"--setting is one of {', '.join(settings)}")
        if lang not in ("en", "es"):
            raise UsageError("--lang is en or es")
        if claim_form and claim_form not in _FORMS:
            raise UsageError("--claim-form is 837P or 837I")
        if sex and sex.upper() not in ("M", "F", "U"):
            raise UsageError("--sex is M, F or U")
        self._setting, self._lang, self._claim_form = setting, lang, claim_form
        self._day = _day(day, "--date") if day else None
        born = _day(birth_date, "--birth-date") if birth_date else None
        self._person = Person(sex.upper() or None, born)
        self._model = _model(model, lang)
        self._said = False
        self._chosen = tuple(plain_code(item) for item in chosen)

    @cached_property
    def knowledge(self) -> Knowledge:
        """The edition of the day asked for, with the index files that are active in the user's store."""
        return default_knowledge(self._day)

    @cached_property
    def pcs_codes(self) -> frozenset[str]:
        """The ICD-10-PCS codes in force on the day; empty when no order file was loaded."""
        return pcs_codes_on(CodesetStore(), self.day)

    def date_remark_once(self) -> str:
        """Return what must be said about the day that is coded by: once, and nothing when it is a covered one."""
        said, self._said = self._said, True
        return "" if said else self._date_remark()

    def _date_remark(self) -> str:
        tabular = self.knowledge.tabular
        if self._day is None and self.day != today():
            return (
                f"no --date: coded as of {self.day}, the nearest day that the installed edition"
                f" {self.knowledge.release} covers; today is {today()}"
            )
        if not tabular.effective_from <= self.day <= tabular.effective_to:
            span = f"{tabular.effective_from} to {tabular.effective_to}"
            return f"no edition of ICD-10-CM covers {self.day}: not evaluated (the nearest has {span})"
        return ""

    @property
    def model_name(self) -> str | None:
        """The model that scored, or None."""
        return self._model.name if self._model else None

    @cached_property
    def day(self) -> date:
        """The day asked for; else today, or the nearest day that the installed edition covers."""
        if self._day is not None:
            return self._day
        tabular = self.knowledge.tabular
        return min(max(today(), tabular.effective_from), tabular.effective_to)

    def setting_of(self, note: Note) -> str:
        """Return the setting asked for, else the one that the note's own type implies, else office."""
        return self._setting or note.setting or "office"

    def read(self, note: Note) -> Answer:
        """Return the whole answer to one note."""
        documents, text, bases = documents_of(note)
        setting = self.setting_of(note)
        form = self._claim_form or ("837I" if setting == "inpatient" else "837P")
        found = self._suggest(documents, setting, form)
        grouping: Grouping | None = None
        remarks: tuple[str, ...] = ()
        stay_edits: tuple[Edit, ...] | None = None
        codes = claim_codes(found, self.day)
        if setting == "inpatient":
            stay, remarks = stay_of(codes, self._person, self.day)
            if stay is not None:
                grouping = self._weigh(load_grouper()(codes.diagnoses, codes.procedures, stay), self.day)
                stay_edits = load_editor()(codes.diagnoses, codes.procedures, stay)
        edits = self._edits(codes, setting, form, stay_edits) if codes.diagnoses or codes.procedures else ()
        judged = tuple(judge_codes(self._chosen, found, self.knowledge.tabular)) if self._chosen else ()
        return Answer(text, found, bases, grouping, remarks, judged, edits)

    @cached_property
    def _weigh(self) -> Weigh:
        return weights_of(CodesetStore())

    def _edits(
        self, codes: ClaimCodes, setting: str, form: str, stay_edits: tuple[Edit, ...] | None
    ) -> tuple[Edit, ...]:
        """Return what the edits say of the suggested codes, by the sets that are active in the user's store."""
        tabular = self.knowledge.tabular
        covers = tabular.effective_from <= self.day <= tabular.effective_to
        return evaluate(
            codes.diagnoses,
            codes.procedures,
            setting=Setting(setting) if setting in set(Setting) else Setting.OFFICE,
            day=self.day,
            edition=tabular if covers else None,
            tables=load_tables(CodesetStore(), codes.procedures, codes.diagnoses),
            pcs=(self.pcs_codes or None) if setting == "inpatient" else None,
            form=ClaimForm(form),
            stay_edits=stay_edits,
        )

    def _suggest(self, documents: list[Document], setting: str, form: str) -> Suggestions:
        codes = self.pcs_codes if setting == "inpatient" else frozenset()
        return suggest(documents, setting, self.day, self.knowledge, form, codes, self._model)


def _model(name: str, lang: str) -> Model | None:
    """Return the model asked for, none for the rules alone, else the packaged one for the language."""
    language: Language = "es" if lang == "es" else "en"
    try:
        return choose_model(name, language)
    except BadModelError as error:
        raise UsageError(f"--model: {error}") from None


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} is a day as YYYY-MM-DD") from None
