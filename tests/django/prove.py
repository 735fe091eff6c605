"""Every person of a Django site logs in to Latchkey and is the same person to the site's API, by primary key.

    python prove.py PHASE LATCHKEY_URL

Phases: `first`, before anybody has decided about the names; `decided`, after. Needs the site's database.
"""

import json
import sys
import unicodedata
import urllib.error
import urllib.request

import django

django.setup()

from django.contrib.auth.models import User
from django.test import Client

from people import IN, NAMES, SAME_NAME, numbered, password_of

phase, base = sys.argv[1:]
VIEWS = ["/pyjwt/", "/simplejwt/", "/drf-jwt/"]


def log_in(name, password):
    """The token, or the code of the rejection."""
    body = json.dumps({"username": name, "password": password}).encode()
    request = urllib.request.Request(f"{base}/auth/login", body, {"Content-Type": "application/json"})
    for _ in range(10):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["token"], None
        except urllib.error.HTTPError as error:
            code = json.load(error)["code"]
        # A busy machine is no answer.
        if code != "temporarily_unavailable":
            break
    return None, code


client, proved = Client(), 0
for pk, name, _, fields, outcome in numbered():
    here = NAMES.get(name, name) if phase == "decided" else name
    comes = outcome == IN or (phase == "decided" and NAMES.get(name) is not None)
    if here is None:
        continue
    token, code = log_in(here, password_of(pk))
    if not comes or not fields.get("is_active", True):
        assert token is None and code in ("invalid_credentials", "invalid_request"), (pk, name, code)
        continue
    assert token is not None, (pk, name, code)
    user = User.objects.get(pk=pk)
    for view in VIEWS:
        answer = client.get(view, HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == 200, (view, pk, name, answer.status_code, answer.content)
        expected = {"pk": pk, "username": user.username, "superuser": user.is_superuser}
        assert answer.json() == expected, (view, answer.json(), expected)
        assert client.get(view, HTTP_AUTHORIZATION=f"Bearer {token[:-4]}AAAA").status_code == 401, view
        assert client.get(view).status_code == 401, view
    proved += 1

# Who is deactivated in the site is out at once, whatever the token says: the site reads its user.
pk = next(pk for pk, name, *_ in numbered() if name == "Grace")
token, _ = log_in("grace", password_of(pk))
User.objects.filter(pk=pk).update(is_active=False)
for view in VIEWS:
    assert client.get(view, HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401, view
User.objects.filter(pk=pk).update(is_active=True)
print(f"{proved} people log in and are themselves to {', '.join(VIEWS)} by primary key; all others stay out")
