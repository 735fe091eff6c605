"""A later dump: one was deactivated, one got another password, one was renamed. python late_changes.py DUMP LATER"""

import json
import sys

from people import pbkdf2

rows = json.load(open(sys.argv[1], encoding="utf-8"))
users = {row["fields"]["username"]: row["fields"] for row in rows if row["model"] == "auth.user"}
users["HEIDI.Klum"]["is_active"] = False
# Nobody has logged in as this one yet: they are not active.
users["inactive"]["password"] = pbkdf2(999)
users["bob"]["username"] = "bob.renamed"
json.dump(rows, open(sys.argv[2], "w", encoding="utf-8"))
