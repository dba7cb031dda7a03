"""A page of the app's own: it knows who has opened it, and writes on that person's glasses.

On simulated glasses, open /app-page on the simulator's address: it leads here, signed in.
"""

from flask import render_template_string, request

from mentra_sync import AppServer, webview

PAGE = """<!doctype html>
<title>Note</title>
<p>Hello {{ user }}! {{ "Your glasses are on." if session else "Start the app on your glasses." }}
<form method="post"><input name="text" autofocus> <button>Show it</button></form>
"""

app = AppServer("com.example.note")


@app.session_handler
def main(session):
    session.layouts.show_text_wall("Write something on your page.")


@app.flask.route("/", methods=["GET", "POST"])
@webview.login_required
def page():
    session = webview.current_session()
    if request.method == "POST" and session:
        session.layouts.show_text_wall(request.form["text"])
    return render_template_string(PAGE, user=webview.current_user_id(), session=session)


app.run()
