"""One table of the configuration, read into its pydantic model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from feedbot.core.text import one_line
from feedbot.plugins import Settings
from feedbot.settings.document import Document, label, suggestion
from feedbot.settings.interpolate import SECRET_NAME, BadReference, read_secret
from feedbot.settings.locate import Key
from feedbot.settings.sentences import Complaint, complaints, mask, show

Model = TypeVar("Model", bound=Settings)

_PLAIN = frozenset({str, int, float, bool, timedelta, NoneType, Ellipsis})


def read_table(model: type[Model], values: Mapping[str, Any], key: Key, document: Document) -> Model | None:
    """The settings at ``key``; what is wrong with them is noted in the document.

    Where only some keys are wrong the others stand, so that what depends on them can be checked as well. None
    where nothing can be said without the wrong ones.
    """
    given = dict(values)
    _take_internal(model, given, key, document)
    _take_twins(model, given, key, document)
    _take_mistaken(model, given, key, document)
    try:
        settings = _validated(model, given, key, document)
    except Exception as error:  # a plugin's own checks may fail in any way
        document.problem(
            key,
            f"{label(key)}: checking these settings failed ({type(error).__name__})",
            "this is a fault of the plugin",
        )
        return None
    document.secrets.update(_secrets(settings))
    return settings


@cache
def field_keys(model: type[BaseModel]) -> dict[str, str]:
    """The keys that a model takes, as they stand in the file, with the names of its fields."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


@cache
def twins(model: type[Settings]) -> dict[str, str]:
    """The ``*_file`` key of each secret of a model, with the key of the secret."""
    keys = field_keys(model)
    return {
        f"{key}_file": key
        for key, name in keys.items()
        if SecretStr in _kinds_of(model)[key] and f"{key}_file" not in keys
    }


@cache
def is_secret(model: type[BaseModel], key: str) -> bool:
    """Whether the value of a key, or a part of it, is a secret."""
    name = field_keys(model).get(key, key)
    field = model.model_fields.get(name)
    return field is not None and _mentions_secret(field.annotation)


def inline_secrets(model: type[Settings], values: Mapping[str, Any], key: Key, document: Document) -> Iterator[Key]:
    """The secrets that stand in the file itself. In a table such as ``headers`` the name of the key tells.

    An address with a user name or password in it is a secret whatever its key is called.
    """
    for name, value in values.items():
        for place, text in _texts(value, (*key, name)):
            nested = len(place) > len(key) + 1 and isinstance(place[-1], str)
            named = is_secret(model, name) and (not nested or SECRET_NAME.search(str(place[-1])))
            if text and place not in document.references and (named or mask(text) != text):
                yield place


def _take_internal(model: type[Settings], given: dict[str, Any], key: Key, document: Document) -> None:
    """Refuse the names of fields whose keys are called otherwise in the file, which pydantic would take."""
    keys = field_keys(model)
    for name in (model.model_fields.keys() & given.keys()) - keys.keys():
        del given[name]
        _report(model, Complaint((name,), "unknown"), given, key, document)


def _take_twins(model: type[Settings], given: dict[str, Any], key: Key, document: Document) -> None:
    """Put the text of the files that hold secrets in their place."""
    for twin, name in twins(model).items():
        if twin not in given:
            continue
        path, place = given.pop(twin), (*key, twin)
        if name in given:
            document.problem(place, f'"{name}" and "{twin}" are both given in {label(key)}', "keep one of them")
            continue
        try:
            if not isinstance(path, str) or not path:
                raise BadReference(f"expected the path of a file, found {show(path)}")
            given[name] = read_secret(path, document.folder)
            document.references[*key, name] = "***"
        except BadReference as error:
            document.broken.add((*key, name))
            if not document.is_broken(place):
                document.problem(place, f"{label(place)}: {error.message}", error.hint)


def _take_mistaken(model: type[Settings], given: dict[str, Any], key: Key, document: Document) -> None:
    """Refuse what pydantic takes although nobody means it: true for 1, 30 for a duration of 30 seconds, "no" for
    false. Only what came through a reference is text by its nature, and may stand for true or false."""
    kinds = _kinds_of(model)
    for name, value in list(given.items()):
        is_word = isinstance(value, str) and bool in kinds.get(name, ()) and str not in kinds[name]
        if is_word and (*key, name) not in document.references:
            _mistaken(name, "true or false without quotes", given, key, document)
    numbers = [(name, value) for name, value in given.items() if isinstance(value, (int, float)) and name in kinds]
    for name, value in numbers:
        expected = ""
        if isinstance(value, bool):
            expected = "a number" if kinds[name] & {int, float} and bool not in kinds[name] else ""
        elif not kinds[name] & {int, float}:
            words = {timedelta: 'a duration such as "30s" or "30m"', bool: "true or false"}
            expected = next((words[kind] for kind in words if kind in kinds[name]), "")
        if expected:
            _mistaken(name, expected, given, key, document)


def _mistaken(name: str, expected: str, given: dict[str, Any], key: Key, document: Document) -> None:
    place = (*key, name)
    document.broken.add(place)
    document.problem(place, f"{label(place)}: expected {expected}, found {show(given.pop(name))}")


def _validated(model: type[Model], given: dict[str, Any], key: Key, document: Document) -> Model | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = complaints(error, given)
    for complaint in wrong:
        _report(model, complaint, given, key, document)
    for name in {complaint.key[0] for complaint in wrong if complaint.key}:
        given.pop(str(name), None)
    try:
        return model.model_validate(given)
    except ValidationError:
        return None


def _report(
    model: type[Settings], complaint: Complaint, given: Mapping[str, Any], key: Key, document: Document
) -> None:
    place = (*key, *complaint.key)
    name = str(complaint.key[-1]) if complaint.key else ""
    if document.is_broken(place):
        return
    if complaint.kind == "unknown":
        top = len(complaint.key) == 1
        known = {*field_keys(model), *twins(model)} - given.keys() if top else set[str]()
        document.problem(place, f'unknown key "{name}" in {label(place[:-1])}', suggestion(name, known))
    elif complaint.kind == "missing":
        twin = next((twin for twin, secret in twins(model).items() if secret == name), "")
        missing = f'"{name}" or "{twin}"' if twin else f'"{name}"'
        document.problem(place, f"{missing} is missing in {label(place[:-1])}")
    else:
        top_key = str(complaint.key[0]) if complaint.key else ""
        sentence = _hidden(model, complaint.sentence, given, key, document)
        found = _found(complaint, place, is_secret(model, top_key), document)
        hint = _hint(complaint)
        document.problem(place, f"{label(place)}: {sentence}{found}", hint)


def _found(complaint: Complaint, place: Key, secret: bool, document: Document) -> str:
    """The end of a sentence that tells what stands there, unless it is a secret."""
    if not complaint.key or secret or not complaint.sentence.startswith("expected") or ", found " in complaint.sentence:
        return ""
    return f", found {show(document.written(place, complaint.found))}"


def _hint(complaint: Complaint) -> str:
    if isinstance(complaint.found, str) and complaint.sentence == "expected a list":
        return f"write [{show(complaint.found)}]"
    if isinstance(complaint.found, str) and complaint.choices:
        hint = suggestion(complaint.found, complaint.choices)
        return hint if hint.startswith("did you mean") else ""
    return ""


def _hidden(model: type[Settings], sentence: str, given: Mapping[str, Any], key: Key, document: Document) -> str:
    """A sentence in which secrets, and what came from elsewhere, do not appear."""
    for name, value in given.items():
        for place, text in _texts(value, (*key, name)):
            written = document.references.get(place)
            if text and (written is not None or is_secret(model, name)):
                shown = "***" if is_secret(model, name) else str(written)
                for form in (text, one_line(text), repr(text)[1:-1]):
                    if len(form) > 3:
                        sentence = sentence.replace(form, shown)
                    for quote in "'\"":  # what is short stands in other words too
                        sentence = sentence.replace(f"{quote}{form}{quote}", f"{quote}{shown}{quote}")
    return mask(sentence)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        if value.get_secret_value():
            yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in _guarded(type(value)):
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, (tuple, list, frozenset)):
        for item in value:
            yield from _secrets(item)


def _texts(value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """All strings within a value, with their keys."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*key, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*key, index))


@cache
def _guarded(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a model that may hold a secret: of most tables none does, of which there may be thousands."""
    return tuple(name for name, field in model.model_fields.items() if not _is_plain(field.annotation))


def _is_plain(annotation: Any) -> bool:
    """Whether what is of this type holds no secret, whatever it is."""
    origin = get_origin(annotation)
    if origin is None:
        return annotation in _PLAIN
    if origin is Annotated:
        return _is_plain(get_args(annotation)[0])
    return origin is Literal or all(_is_plain(part) for part in get_args(annotation))


@cache
def _kinds_of(model: type[BaseModel]) -> dict[str, frozenset[Any]]:
    """The types that each key of a model takes."""
    return {key: frozenset(_kinds(model.model_fields[name].annotation)) for key, name in field_keys(model).items()}


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that a single value may have: the annotation itself, or the members of a union."""
    if get_origin(annotation) in (Annotated, Union, UnionType):
        for part in get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation


def _mentions_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_mentions_secret(part) for part in get_args(annotation))
