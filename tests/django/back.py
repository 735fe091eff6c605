"""The export goes back into Django with the documented script, and everybody keeps their password."""

import os

import django

django.setup()

from django.contrib.auth.models import User

from people import NAMES, IN, numbered, password_of

before = {user.pk: user.username for user in User.objects.all()}
came = [
    (pk, name) for pk, name, _, _, outcome in numbered() if outcome == IN or NAMES.get(name) is not None
]
User.objects.filter(pk__in=[pk for pk, _ in came]).update(password="!", is_active=True)
exec(open(os.environ["SNIPPETS"] + "/load_users.py").read())
for pk, name in came:
    user = User.objects.get(pk=pk)
    password = password_of(999) if name == "inactive" else password_of(pk)
    assert user.check_password(password), (pk, name, user.password)
    assert not user.check_password("another"), pk
    assert user.is_active == (name not in ("inactive", "fish", "HEIDI.Klum")), name
    assert user.username == before[pk]
print(f"{len(came)} people are back in Django with the passwords they have in Latchkey")
