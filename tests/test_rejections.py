"""What an answer says about the token: each product's own, on its own host and on others, and whatever there is."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from attrs import evolve

from tests.corpus_rejections import (
    CREDENTIAL,
    HTML,
    JSON,
    OTHER,
    PERMISSION,
    RATE_LIMIT,
    REJECTIONS,
    SCOPE,
    TOKEN,
)
from zoho_oauth import Family
from zoho_oauth._bodies import REJECTING
from zoho_oauth._error_codes import ERROR_CODES, WORDS
from zoho_oauth._policy import LONGEST_ANSWER
from zoho_oauth._rejections import DEEPEST, ApiAnswer, read_rejection, statuses_to_read

DESK, NEW = ("desk.zoho.eu", "/api/v1/tickets"), ("www.zohoapis.eu", "/newproduct/v1/things")
CRM, WORKDRIVE = ("www.zohoapis.eu", "/crm/v8/Leads"), ("www.zohoapis.eu", "/workdrive/api/v1/files")
IDS = [str(each) for each in REJECTIONS]

SCOPE_MISMATCH = b'{"code": "OAUTH_SCOPE_MISMATCH"}'
NOTHING_TO_READ = (
    *(b"", b" ", b"null", b"{}", b"[]", b"401", b"NaN", b'"\\ud800"', b"9" * 10_000),
    *(b"\xff\xfe\x00", b"\x00" * 8, b'{"code": "OAUTH_SCOPE_MIS', b"<html>INVALID_OAUTHSCOPE</html>"),
    *(b"[" * 60_000, b"[" * 30_000 + b"]" * 30_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
)


def body(value):
    return json.dumps(value).encode()


def nested(value, depth):
    for _ in range(depth):
        value = {"error": value}
    return body(value)


def read(status, text, place=NEW, content_type=JSON):
    host, path = place
    return read_rejection(
        ApiAnswer(host=host, path=path, status=status, content_type=content_type, body=text)
    )


def read_one(rejection):
    return read(rejection.status, rejection.body, rejection.place, rejection.content_type)


def refreshes(rejection, meaning):
    """What the flow does: it reads these, and asks for another token if the meaning calls for one."""
    is_json = "json" in rejection.content_type
    is_read = rejection.status == 401 or (is_json and rejection.status in statuses_to_read(*rejection.place))
    return is_read and meaning.calls_for_refresh


class TestCorpus:
    @pytest.mark.parametrize("rejection", REJECTIONS, ids=IDS)
    def test_an_answer_means_what_its_product_means_by_it(self, rejection):
        meaning = read_one(rejection)

        found = (meaning.product, meaning.family, meaning.code, refreshes(rejection, meaning))
        assert found == (rejection.product, rejection.family, rejection.code, rejection.refreshes)

    def test_it_holds_both_kinds_of_every_family(self):
        assert {each.family for each in REJECTIONS} == set(Family)
        assert len([each for each in REJECTIONS if each.refreshes]) > 45
        assert len([each for each in REJECTIONS if not each.refreshes and each.status == 401]) >= 45

    def test_a_reader_of_statuses_gets_much_of_it_wrong(self):
        """The control: every 401 is a dead token, and nothing else is."""
        wrong = Counter(each.status for each in REJECTIONS if each.refreshes != (each.status == 401))

        assert (wrong[400], wrong[500]) == (8, 3)
        assert wrong[401] >= 45

    @pytest.mark.parametrize("host", ["127.0.0.1", "gateway.example", "xn--e1afmkfd.example", ""])
    @pytest.mark.parametrize("rejection", REJECTIONS, ids=IDS)
    def test_behind_a_gateway_of_ones_own_it_means_the_same(self, rejection, host):
        elsewhere = evolve(rejection, url=f"{host}{rejection.place[1]}")
        meaning = read_one(elsewhere)

        assert (meaning.family, meaning.code) == (rejection.family, rejection.code)
        assert meaning.product is None or meaning.product.split("-")[0] == rejection.product.split("-")[0]
        assert refreshes(elsewhere, meaning) <= rejection.refreshes
        assert refreshes(elsewhere, meaning) == rejection.refreshes or rejection.status in (400, 500)

    @pytest.mark.parametrize("status", [100, 200, 201, 204, 207, 302, 304])
    def test_an_answer_of_success_is_never_anything(self, status):
        found = [read_one(evolve(each, status=status)) for each in REJECTIONS]

        assert {(each.family, each.code, each.calls_for_refresh) for each in found} == {(OTHER, None, False)}

    @pytest.mark.parametrize("status", [402, 403, 404, 405, 422, 429, 502, 503, 599])
    def test_no_other_error_calls_for_another_token(self, status):
        found = [read_one(evolve(each, status=status)) for each in REJECTIONS]

        assert not any(each.calls_for_refresh for each in found)
        assert status not in REJECTING

    def test_a_400_or_500_that_is_not_json_is_nothing(self):
        errors = [each for each in REJECTIONS if each.status in (400, 500)]
        found = [read_one(evolve(each, content_type=kind)) for each in errors for kind in (HTML, "")]

        assert {each.family for each in found} == {OTHER}

    def test_a_large_400_or_500_is_nothing(self):
        errors = [each for each in REJECTIONS if each.status in (400, 500) and each.family is not OTHER]
        found = [read_one(evolve(each, body=each.body + b" " * LONGEST_ANSWER)) for each in errors]

        assert len(errors) > 20
        assert {each.family for each in found} == {OTHER}


class TestBodyBeforeStatus:
    @pytest.mark.parametrize(
        ("status", "place", "text", "family"),
        [
            (401, CRM, body({"code": "OAUTH_SCOPE_MISMATCH"}), SCOPE),
            (403, CRM, body({"code": "OAUTH_SCOPE_MISMATCH"}), SCOPE),
            (429, DESK, body({"errorCode": "FORBIDDEN"}), PERMISSION),
            (403, DESK, body({"errorCode": "TOO_MANY_REQUESTS"}), RATE_LIMIT),
            (403, NEW, body({"reason": "INVALID_OAUTHSCOPE"}), SCOPE),
            (403, NEW, body({"reason": "INVALID_OAUTHTOKEN"}), PERMISSION),
            (429, NEW, body({"reason": "INVALID_OAUTHTOKEN"}), RATE_LIMIT),
            # A row before a word.
            (401, CRM, body({"code": "INVALID_TOKEN", "cause": "OAUTH_SCOPE_MISMATCH"}), TOKEN),
            # Two rows: the one that causes no refresh.
            (401, WORKDRIVE, body({"errors": [{"id": "F7003"}, {"id": "F7004"}]}), SCOPE),
            (500, WORKDRIVE, body({"errors": [{"id": "F000"}, {"id": "F7003"}]}), OTHER),
            # Of another product, or at another place.
            (401, DESK, body({"code": "57"}), TOKEN),
            (401, CRM, body({"code": 14}), TOKEN),
            (401, DESK, body({"details": {"errorCode": "FORBIDDEN"}}), TOKEN),
            (500, DESK, body({"errors": [{"id": "F7003"}]}), OTHER),
        ],
    )
    def test_the_code_decides(self, status, place, text, family):
        assert read(status, text, place).family is family

    @pytest.mark.parametrize("code", ["f7003", " F7003 ", "F7003\n"])
    def test_case_and_spaces_make_no_difference(self, code):
        assert read(500, body({"errors": [{"id": code}]}), WORKDRIVE).code == "F7003"

    @pytest.mark.parametrize("code", [57, "57", " 57"])
    def test_a_number_and_its_text_are_the_same(self, code):
        assert read(401, body({"code": code}), ("www.zohoapis.eu", "/books/v3/items")).code == "57"


class TestWords:
    @pytest.mark.parametrize("word", WORDS)
    def test_each_is_known_wherever_it_stands(self, word):
        bodies = [body({"x": word}), body([[word]]), nested(word.lower(), 3), body(word)]

        assert [read(401, each).family for each in bodies] == [WORDS[word]] * 4

    def test_what_is_not_about_the_token_decides(self):
        assert read(401, body(["INVALID_OAUTHTOKEN", "OAUTH_ORG_MISMATCH"])).family is PERMISSION
        assert read(401, body(["INVALID_TICKET", "INVALID_OAUTHTOKEN"])).family is CREDENTIAL

    def test_within_a_sentence_or_as_a_name_it_is_none(self):
        assert read(401, body({"message": "OAUTH_SCOPE_MISMATCH happened"})).family is TOKEN
        assert read(401, body({"OAUTH_SCOPE_MISMATCH": True})).family is TOKEN

    def test_bodies_are_searched_so_deep_and_no_deeper(self):
        assert read(401, nested("OAUTH_SCOPE_MISMATCH", DEEPEST)).family is SCOPE
        assert read(401, nested("OAUTH_SCOPE_MISMATCH", DEEPEST + 1)).family is TOKEN

    def test_every_word_of_the_table_says_the_same_as_its_rows(self):
        rows = {"".join(filter(str.isalpha, row.code.upper())): row for row in ERROR_CODES}
        both = {word: family for word, family in WORDS.items() if word in rows}

        assert len(both) >= 7
        assert {word: rows[word].family for word in both} == both


class TestWhatCannotBeRead:
    @pytest.mark.parametrize("text", NOTHING_TO_READ, ids=range(len(NOTHING_TO_READ)))
    def test_a_401_blames_the_token_and_is_not_sure(self, text):
        meaning = read(401, text, content_type="")

        assert (meaning.family, meaning.code, meaning.is_ambiguous) == (TOKEN, None, True)

    @pytest.mark.parametrize(
        ("status", "family"), [(400, OTHER), (403, PERMISSION), (404, OTHER), (429, RATE_LIMIT), (500, OTHER)]
    )
    def test_another_status_does_not(self, status, family):
        found = [read(status, text, place) for text in NOTHING_TO_READ for place in (NEW, CRM, WORKDRIVE)]

        assert {(each.family, each.code) for each in found} == {(family, None)}

    def test_other_encodings_of_json_are_read(self):
        text = SCOPE_MISMATCH.decode()

        assert [read(401, text.encode(each)).family for each in ("utf-8-sig", "utf-16", "utf-32")] == [
            SCOPE
        ] * 3

    def test_a_body_is_read_up_to_its_cap(self):
        full = SCOPE_MISMATCH + b" " * (LONGEST_ANSWER - len(SCOPE_MISMATCH))

        assert [read(401, each).family for each in (full, full + b" ")] == [SCOPE, TOKEN]
