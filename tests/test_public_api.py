"""What can be imported, how it is called, and that it says what it does."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import types

import pytest

import zoho_oauth
import zoho_oauth.httpx2
import zoho_oauth.stores
import zoho_oauth.testing
from zoho_oauth import (
    ClientRegistration,
    DataCenter,
    ErrorCode,
    Family,
    Meaning,
    Product,
    RefreshPolicy,
    Token,
    TokenEndpoint,
    TokenSource,
    TokenStore,
    ZohoAuth,
    ZohoOAuth,
    errors,
    events,
    explain,
)
from zoho_oauth.testing import FakeZoho, StoreContract

PACKAGES = (zoho_oauth, zoho_oauth.stores, zoho_oauth.testing, zoho_oauth.httpx2)
FIXED = {
    "ZohoOAuth",
    "ZohoAuth",
    "ClientRegistration",
    "DataCenter",
    "Token",
    "Secret",
    "TokenSource",
    "TokenStore",
    "Record",
    "MemoryStore",
    "FileStore",
    "RefreshPolicy",
    "TokenEndpoint",
    "ErrorCode",
    "Family",
    "Meaning",
    "Product",
    "explain",
    "errors",
}
NAMED = [(package.__name__, name) for package in PACKAGES for name in package.__all__]
CLASSES = [
    getattr(importlib.import_module(package), name)
    for package, name in NAMED
    if isinstance(getattr(importlib.import_module(package), name), type)
]
CLASSES += [each for each in {**vars(errors), **vars(events)}.values() if isinstance(each, type)]
CLASSES = sorted(set(CLASSES), key=lambda each: (each.__module__, each.__name__))


def public_names(module):
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not (isinstance(value, types.ModuleType) and name not in module.__all__)
    }


class TestNames:
    def test_the_fixed_names_are_there(self):
        assert set(zoho_oauth.__all__) >= FIXED

    @pytest.mark.parametrize("package", PACKAGES, ids=lambda each: each.__name__)
    def test_all_is_sorted_and_has_no_name_twice(self, package):
        assert list(package.__all__) == sorted(set(package.__all__))

    @pytest.mark.parametrize("package", [zoho_oauth, zoho_oauth.stores], ids=lambda each: each.__name__)
    def test_all_names_what_is_bound_and_nothing_else(self, package):
        for name in package.__all__:
            assert getattr(package, name)  # some are loaded when they are asked for
        bound = public_names(package) - {"annotations", "Any", "TYPE_CHECKING"}

        assert bound <= set(package.__all__)

    @pytest.mark.parametrize(("package", "name"), NAMED)
    def test_each_name_can_be_had(self, package, name):
        assert getattr(importlib.import_module(package), name) is not None

    def test_star_import_takes_them_all(self):
        taken: dict[str, object] = {}
        exec("from zoho_oauth import *", taken)

        assert set(taken) - {"__builtins__"} == set(zoho_oauth.__all__)

    def test_the_testing_package_loads_each_name_when_it_is_asked_for(self):
        program = (
            "import sys, zoho_oauth.testing as testing\n"
            "heavy = [name for name in sys.modules if name.startswith('zoho_oauth.testing.')]\n"
            "assert heavy == [], heavy\n"
            "assert 'uvicorn' not in sys.modules and 'pytest' not in sys.modules\n"
            "assert sorted(dir(testing)) == sorted(testing.__all__)\n"
            "assert testing.FakeZoho.__name__ == 'FakeZoho'\n"
            "assert all(getattr(testing, name) for name in testing.__all__)\n"
        )

        subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)

    @pytest.mark.parametrize("name", ["Nothing", "fakezoho", "_fake", "__path"])
    def test_the_testing_package_has_no_other_names(self, name):
        with pytest.raises(AttributeError, match=name):
            getattr(zoho_oauth.testing, name)

    def test_importing_the_package_needs_no_extra(self):
        program = (
            "import sys, httpx, anyio, attrs\n"
            "before = set(sys.modules)\n"
            "import zoho_oauth\n"
            "extra = {'httpx2', 'trio', 'uvicorn', 'pytest', 'starlette', 'redis', 'sqlalchemy', 'cryptography'}\n"
            "brought = extra & (set(sys.modules) - before)\n"
            "assert not brought, brought\n"
        )

        subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)

    def test_the_package_is_marked_as_typed(self):
        assert (importlib.resources.files(zoho_oauth) / "py.typed").is_file()


def methods_of(public_class):
    own = vars(public_class)
    for name, value in own.items():
        if name.startswith("_"):
            continue
        unwrapped = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(unwrapped, types.FunctionType | property):
            yield name, unwrapped


class TestDocstrings:
    @pytest.mark.parametrize("public_class", CLASSES, ids=lambda each: each.__qualname__)
    def test_each_class_says_what_it_is(self, public_class):
        text = vars(public_class).get("__doc__") or ""

        assert len(text.strip()) > 15

    @pytest.mark.parametrize("public_class", CLASSES, ids=lambda each: each.__qualname__)
    def test_each_method_says_what_it_gives(self, public_class):
        silent = [name for name, method in methods_of(public_class) if not (method.__doc__ or "").strip()]
        # A test case of the contract is named by its sentence.
        assert [name for name in silent if not name.startswith("test_")] == []

    @pytest.mark.parametrize("package", PACKAGES, ids=lambda each: each.__name__)
    def test_each_package_says_what_it_is_for(self, package):
        assert package.__doc__

    def test_each_function_says_what_it_gives(self):
        functions = [getattr(zoho_oauth, name) for name in zoho_oauth.__all__]
        functions = [each for each in functions if isinstance(each, types.FunctionType)]

        assert functions == [explain]
        assert explain.__doc__
        assert "network" in explain.__doc__

    def test_there_are_methods_to_look_at(self):
        assert sum(len(list(methods_of(each))) for each in CLASSES) > 40


REQUIRED = inspect.Parameter.empty
#: `*` stands before what is given by name only; a value is the default.
SIGNATURES = {
    ClientRegistration: {
        "client_id": REQUIRED,
        "client_secret": None,
        "*redirect_uri": None,
        "*data_center": "us",
        "*secrets": None,
    },
    DataCenter.get: {"code": REQUIRED},
    DataCenter.all: {},
    DataCenter.base_url: {"self": REQUIRED, "product": "crm"},
    DataCenter: {"*code": REQUIRED, "*accounts": REQUIRED, "*api": REQUIRED},
    ZohoOAuth: {
        "registration": REQUIRED,
        "store": None,
        "*policy": None,
        "*endpoint": None,
        "*on_event": None,
        "*allow_hosts": (),
        "*error_codes": (),
        "*clock": None,
    },
    ZohoOAuth.from_env: {"*store": None, "*policy": None},
    ZohoOAuth.auth: {"self": REQUIRED, "owner": "default"},
    ZohoOAuth.source: {"self": REQUIRED, "owner": "default"},
    ZohoOAuth.base_url: {"self": REQUIRED, "owner": "default", "product": "crm"},
    ZohoOAuth.adopt: {
        "self": REQUIRED,
        "refresh_token": REQUIRED,
        "owner": "default",
        "data_center": None,
        "*verify": True,
    },
    ZohoOAuth.save: {"self": REQUIRED, "token": REQUIRED, "owner": "default"},
    ZohoOAuth.aclose: {"self": REQUIRED},
    ZohoAuth: {"source": REQUIRED},
    ZohoAuth.from_refresh_token: {
        "*client_id": REQUIRED,
        "*client_secret": REQUIRED,
        "*refresh_token": REQUIRED,
        "*data_center": "us",
        "*store": None,
        "*owner": "default",
        "*policy": None,
    },
    TokenSource.token: {"self": REQUIRED, "rejected": None},
    TokenSource.refresh: {"self": REQUIRED},
    explain: {"response": REQUIRED},
    ErrorCode: {
        "*code": REQUIRED,
        "*at": REQUIRED,
        "*family": REQUIRED,
        "*products": (),
        "*statuses": frozenset({401}),
        "*message": "",
        "*is_ambiguous": False,
        "*hint": "",
        "*source": "",
    },
    Meaning: {
        "*family": REQUIRED,
        "*product": None,
        "*code": None,
        "*hint": "",
        "*is_ambiguous": False,
        "*retry_after": None,
    },
    Product.get: {"code": REQUIRED},
    Product.all: {},
    TokenStore.load: {"self": REQUIRED, "owner": REQUIRED},
    TokenStore.save: {"self": REQUIRED, "owner": REQUIRED, "text": REQUIRED, "*replacing": REQUIRED},
    TokenStore.delete: {"self": REQUIRED, "owner": REQUIRED},
    TokenEndpoint: {"*proxy": None, "*verify": None, "*transport": None},
    RefreshPolicy: {
        "*early": 300,
        "*leeway": 60,
        "*send_deadline": 10,
        "*mints": 8,
        "*mint_window": 600,
        "*store_deadline": 3,
        "*store_down": "strict",
    },
}
ASYNC = (
    ZohoOAuth.base_url,
    ZohoOAuth.adopt,
    ZohoOAuth.save,
    ZohoOAuth.aclose,
    TokenSource.token,
    TokenSource.refresh,
)


def signature(function):
    found = {}
    for name, each in inspect.signature(function).parameters.items():
        mark = "*" if each.kind is inspect.Parameter.KEYWORD_ONLY else ""
        found[mark + name] = each.default
    return found


class TestSignatures:
    @pytest.mark.parametrize("function", SIGNATURES, ids=lambda each: each.__qualname__)
    def test_names_order_and_defaults_are_the_fixed_ones(self, function):
        assert list(signature(function).items()) == list(SIGNATURES[function].items())

    @pytest.mark.parametrize("function", ASYNC, ids=lambda each: each.__qualname__)
    def test_what_may_wait_is_awaited(self, function):
        assert inspect.iscoroutinefunction(function)

    @pytest.mark.parametrize("name", ["__init__", "from_refresh_token"])
    def test_both_auth_classes_are_made_alike(self, name):
        assert signature(getattr(ZohoAuth, name)) == signature(getattr(zoho_oauth.httpx2.ZohoAuth, name))

    def test_a_token_shows_what_an_application_needs(self):
        names = set(inspect.signature(Token).parameters)

        assert {"access_token", "expires_at", "scope", "api_domain", "data_center"} <= names

    def test_the_families_are_the_fixed_ones(self):
        names = ["TOKEN", "CREDENTIAL", "SCOPE", "PERMISSION", "RATE_LIMIT", "OTHER"]

        assert [each.name for each in Family] == names

    def test_a_product_shows_what_an_application_needs(self):
        names = set(inspect.signature(Product).parameters)

        assert {"code", "name", "path", "organization", "note"} <= names

    @pytest.mark.parametrize(
        "name", ["data_center", "register_client", "consent", "token_requests", "expire_all"]
    )
    def test_the_fake_has_its_fixed_names(self, name):
        assert name in dir(FakeZoho)
        assert StoreContract.__doc__

    def test_nothing_public_takes_more_than_two_arguments_by_position_unless_it_is_fixed(self):
        longer = {
            f"{each.__qualname__}.{name}"
            for each in CLASSES
            for name, method in methods_of(each)
            if isinstance(method, types.FunctionType)
            and not name.startswith("test_")
            and sum("*" not in given for given in signature(method) if given != "self") > 2
        }

        assert longer <= {"ZohoOAuth.adopt"}
