"""Makes the people's table in a new database and dumps it, as `manage.py dumpdata auth` does.

    python make_dump.py DUMP [more arguments of dumpdata]
"""

import datetime
import sys

import django

django.setup()

from django.contrib.auth.models import Group, User
from django.core.management import call_command

from people import numbered

call_command("migrate", verbosity=0)
editors = Group.objects.create(name="editors")
joined = datetime.datetime(2023, 6, 2, 18, tzinfo=datetime.timezone.utc)
for pk, name, encode, fields, _ in numbered():
    fields = {"date_joined": joined, **fields}
    if isinstance(fields["date_joined"], str):
        fields["date_joined"] = datetime.datetime.fromisoformat(fields["date_joined"])
    # Past the validators, as the bulk loaders of old sites went.
    user = User(pk=pk, username=name, password=encode(pk), **fields)
    user.save(force_insert=True)
    user.groups.add(editors)
call_command("dumpdata", "auth", *sys.argv[2:], output=sys.argv[1])
