"""What is stored for an owner, as text and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from tests.strategies import EXAMPLES, documents
from zoho_oauth import errors
from zoho_oauth._documents import LONGEST_TEXT, VERSION, grant_fingerprint, write_document

from .stored_documents import GRANT, MINIMAL, WHOLE, changed, read

GOLDEN = Path(__file__).parent / "golden"


class TestRoundTrip:
    @EXAMPLES
    @given(documents())
    def test_every_document_comes_back_as_it_was(self, document):
        text = write_document(document)

        assert read(text, client_id=document.client_id, owner=document.owner) == document
        assert write_document(read(text, client_id=document.client_id, owner=document.owner)) == text

    @EXAMPLES
    @given(documents())
    def test_the_text_is_one_line_of_ascii(self, document):
        text = write_document(document)

        assert text.isascii()
        assert text.isprintable()
        assert len(text) < LONGEST_TEXT

    def test_a_document_with_nothing_in_it_comes_back(self):
        assert read(write_document(MINIMAL), owner="owner") == MINIMAL

    def test_a_token_without_its_grant_is_not_taken(self):
        assert read(changed(grant=None)).token is None

    def test_the_grant_of_the_token_is_the_document_s(self):
        assert read(changed(data_center="us")).token.grant == grant_fingerprint(GRANT, "us")

    def test_members_that_are_not_known_are_skipped(self):
        assert read(changed(colour="blue")) == WHOLE


class TestVersions:
    def test_the_text_of_version_1_is_what_it_was(self):
        assert write_document(WHOLE) == (GOLDEN / "document_v1.json").read_text().strip()

    @pytest.mark.parametrize("file", sorted(GOLDEN.glob("document_v*.json")), ids=lambda file: file.stem)
    def test_every_version_that_was_ever_written_is_read(self, file):
        document = read(file.read_text())

        assert document.grant == GRANT
        assert document == WHOLE

    def test_there_is_a_golden_file_for_each_version(self):
        assert [file.stem for file in sorted(GOLDEN.glob("document_v*.json"))] == [
            f"document_v{version}" for version in range(1, VERSION + 1)
        ]

    @pytest.mark.parametrize("version", [VERSION + 1, VERSION + 1000, 2**62])
    def test_a_newer_version_is_refused_whatever_else_is_in_it(self, version):
        for text in (changed(version=version), json.dumps({"format": "zoho_oauth", "version": version})):
            with pytest.raises(errors.DocumentTooNew) as caught:
                read(text)
            assert caught.value.owner == WHOLE.owner

    @pytest.mark.parametrize("grant", [{"type": "device_code"}, {"type": "client_credentials", "soid": "1"}])
    def test_a_grant_of_a_type_that_came_later_is_refused_as_too_new(self, grant):
        with pytest.raises(errors.DocumentTooNew):
            read(changed(grant=grant))

    @pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, None, 2**63])
    def test_what_was_never_a_version_is_corrupted(self, version):
        with pytest.raises(errors.StoreCorrupted):
            read(changed(version=version))

    @pytest.mark.parametrize("name", ["zoho-oauth", "", "another", None, 1])
    def test_the_json_of_another_program_is_not_taken_for_a_document(self, name):
        with pytest.raises(errors.StoreCorrupted):
            read(changed(format=name))


class TestForeign:
    def test_another_owner_s_document_is_refused(self):
        with pytest.raises(errors.ForeignDocument) as caught:
            read(write_document(WHOLE), owner="somebody-else")
        assert WHOLE.owner not in str(caught.value)

    def test_another_client_s_document_is_refused(self):
        with pytest.raises(errors.ForeignDocument):
            read(write_document(WHOLE), client_id="1000.OTHER")

    def test_it_can_be_caught_as_corruption(self):
        with pytest.raises(errors.StoreCorrupted):
            read(write_document(WHOLE), owner="somebody-else")
