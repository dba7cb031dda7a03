"""Keep a shopping list that an assistant can add to, whether the app is open or not."""

from mentra_sync import AppServer

app = AppServer("com.example.shopping")

lists = {}  # what each person wants to buy


@app.tool("add_item")
def add_item(call, item: str, count: int = 1):
    """An assistant calls this, and says what it returns."""
    buy(call.user_id, f"{count} {item}")
    if call.active_session:
        show(call.active_session)
    return f"{count} {item} is on your list."


@app.session_handler
def main(session):
    show(session)
    while True:
        buy(session.user_id, session.listen().strip(" ."))
        show(session)


def buy(user_id, item):
    lists.setdefault(user_id, []).append(item)


def show(session):
    items = lists.get(session.user_id, ["Nothing yet. Say what you need."])
    session.layouts.show_reference_card("Shopping list", "\n".join(items[-4:]))


app.run()
