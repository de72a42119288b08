"""Where the exchange is."""

import pytest

import kalshi_book as kb
from kalshi_book.live.environments import HOSTS, OLDER_HOSTS, url_of


def refused(environment=None, url=None, **environ):
    with pytest.raises(kb.UsageError) as raised:
        url_of(environment, url, environ=environ)
    return str(raised.value)


def test_the_hosts_are_the_published_ones():
    """AsyncAPI text and changelog, read 2026-10-26."""
    assert HOSTS == {"prod": "external-api-ws.kalshi.com", "demo": "external-api-ws.demo.kalshi.co"}
    assert OLDER_HOSTS == {"prod": "api.elections.kalshi.com", "demo": "demo-api.kalshi.co"}


@pytest.mark.parametrize(("environment", "host"), HOSTS.items())
def test_an_environment_is_its_host_with_the_path(environment, host):
    assert url_of(environment, None, environ={}) == f"wss://{host}/trade-api/ws/v2"


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({"KALSHI_ENV": "demo"}, HOSTS["demo"]),
        ({"KALSHI_ENV": "prod", "KALSHI_DEMO": "1"}, HOSTS["prod"]),
        ({"KALSHI_DEMO": "true"}, HOSTS["demo"]),
    ],
)
def test_the_environments_variables_say_which(environ, host):
    assert url_of(None, None, environ=environ) == f"wss://{host}/trade-api/ws/v2"


def test_what_is_passed_goes_before_the_variables():
    assert url_of("sim", None, environ={"KALSHI_ENV": "prod"}) == "sim"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("api.elections.kalshi.com", "wss://api.elections.kalshi.com/trade-api/ws/v2"),
        ("wss://demo-api.kalshi.co", "wss://demo-api.kalshi.co/trade-api/ws/v2"),
        ("wss://demo-api.kalshi.co/", "wss://demo-api.kalshi.co/trade-api/ws/v2"),
        ("ws://127.0.0.1:8000/trade-api/ws/v2", "ws://127.0.0.1:8000/trade-api/ws/v2"),
        ("ws://[::1]:8000/other?x=1", "ws://[::1]:8000/other?x=1"),
    ],
)
def test_a_url_without_a_path_gets_the_feeds(url, whole):
    assert url_of(None, url, environ={}) == whole


@pytest.mark.parametrize("environ", [{}, {"KALSHI_DEMO": "0"}, {"KALSHI_DEMO": ""}, {"KALSHI_DEMO": "False"}])
def test_none_at_all_is_refused(environ):
    assert refused(**environ) == (
        'expected an environment of prod, demo, sim, found none: pass one, as in kb.connect("demo"), set KALSHI_ENV, or '
        "pass url="
    )


def test_an_unknown_one_is_refused():
    assert refused("production").startswith("expected an environment of prod, demo, sim, found 'production': ")


def test_both_are_refused():
    assert refused("demo", "a.host") == "connect to an environment or to a url, not both: 'demo' and 'a.host'"


@pytest.mark.parametrize("url", ["https://api.elections.kalshi.com", "wss://", "", "ws://host#there", "ws://host:port"])
def test_what_is_no_url_of_a_websocket_is_refused(url):
    assert refused(None, url).startswith(
        f"expected a url such as wss://external-api-ws.kalshi.com/trade-api/ws/v2, found {url!r}"
    )


def test_a_password_in_a_url_is_refused_and_not_shown():
    assert refused(None, "wss://me:SENTINEL@host") == (
        "expected a url without a user name: the exchange knows its clients by key_id= and private_key="
    )
