from report import Row

ROWS = []


def row(number, title):
    def register(run):
        ROWS.append(Row(number, title, run))
        return run
    return register
