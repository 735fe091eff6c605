"""Events of API Gateway and of load balancers, made of the real ones in tests/events."""

import json
import pathlib

from world import DEMO, PASSWORD

SAMPLES = {file.stem: file.read_text() for file in pathlib.Path(__file__).parent.parent.glob("events/*.json")}
#: From the address that a row of the table calls from; few failures are taken from one.
ADDRESS = "198.51.100.7"


def sample(name):
    return json.loads(SAMPLES[name])


def http_api(method, path, body=None, headers=None, address=ADDRESS, **members):
    """Payload 2.0."""
    event = sample("http_api")
    event["rawPath"] = path
    event["headers"] |= headers or {}
    event["requestContext"]["http"] |= {"method": method, "path": path, "sourceIp": address}
    return filled(event, body, members)


def rest_api(method, path, body=None, headers=None, address=ADDRESS, **members):
    """Payload 1.0."""
    event = sample("rest_api")
    event |= {"path": path, "httpMethod": method}
    event["requestContext"] |= {"path": "/prod" + path, "httpMethod": method}
    event["requestContext"].setdefault("identity", {})["sourceIp"] = address
    for name, value in (headers or {}).items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    return filled(event, body, members)


def load_balancer(method, path, body=None, headers=None, **members):
    event = sample("load_balancer") | {"path": path, "httpMethod": method}
    event["headers"] |= headers or {}
    return filled(event, body, members)


def load_balancer_with_lists(method, path, body=None, headers=None, **members):
    """With multi-value headers switched on."""
    event = load_balancer(method, path, body, headers, **members)
    event["multiValueHeaders"] = {name: [value] for name, value in event.pop("headers").items()}
    event["multiValueQueryStringParameters"] = event.pop("queryStringParameters")
    return event


KINDS = {"2.0": http_api, "1.0": rest_api, "ALB": load_balancer, "ALB with lists": load_balancer_with_lists}


def filled(event, body, members):
    if body is not None:
        body = body if isinstance(body, str) else json.dumps(body)
    return event | {"body": body, "isBase64Encoded": False} | members


def login(name=DEMO, password=PASSWORD, kind=http_api, **options):
    return kind("POST", "/auth/login", {"username": name, "password": password}, **options)


def refresh(token, kind=http_api, **options):
    return kind("POST", "/auth/refresh", {"token": token}, **options)


def verify(token, check_session=False, **options):
    return http_api("POST", "/auth/verify", {"token": token, "check_session": check_session}, **options)


def logout(token, everywhere=False, **options):
    return http_api("POST", "/auth/logout", {"token": token, "everywhere": everywhere}, **options)


def list_sessions(token, **options):
    return http_api("GET", "/auth/sessions", headers=bearer(token), **options)


def end_session(session, token, **options):
    return http_api("DELETE", f"/auth/sessions/{session}", headers=bearer(token), **options)


def change_password(token, current, new, **options):
    body = {"current_password": current, "new_password": new}
    return http_api("POST", "/auth/password", body, headers=bearer(token), **options)


def key_set(**options):
    return http_api("GET", "/.well-known/jwks.json", **options)


def authorize(token):
    """The question of an HTTP API that waits for `isAuthorized`."""
    event = sample("authorizer_http_api_2")
    event["identitySource"] = [f"Bearer {token}"]
    event["headers"]["authorization"] = f"Bearer {token}"
    return event


def bearer(token):
    return {"authorization": f"Bearer {token}"}
