"""Pointing the SDK at the server, logging in by every way it knows, tokens and their life."""
import time

import jwt
from frame import Area, calls, dl

a = Area("login")
user_id = a.value("select id from user_account where email = $1", a.task["email"])


@a.step
def log_in():
    a.check("the right password logs in", a.login())
    dl.logout()  # the SDK asks for no password while it is logged in as the same user
    a.check("a wrong password does not", dl.login_m2m(email=a.task["email"], password="wrong"), False)
    a.check("an unknown user does not", dl.login_m2m(email="nobody@example.com", password="wrong"), False)
    a.check("an e-mail address in other case is the same user", dl.login_m2m(email=a.task["email"].upper(), password=a.task["password"]))
    a.check("and again", a.login())


@a.step
def token():
    claims = jwt.decode(dl.client_api.token, options={"verify_signature": False})
    a.check("the token tells the e-mail address", claims["email"], a.value("select email from user_account where id = $1", user_id))
    a.check("and an end that is well ahead", claims["exp"] > time.time() + 120)
    a.check("the SDK takes it for valid", dl.token_expired(), False)
    a.check("info names the user", dl.info()["user_email"] if dl.info() else None, a.task["email"])


@a.step
def logged_in_twice():
    calls.clear()
    a.check("logging in again says yes", a.login())
    a.check("after asking who it is, for no new token", [c for c in calls if "/token" in c[1]], [])
    a.check("of /users/me", [c[1].split("?")[0] for c in calls], ["/api/v1/users/me"])


@a.step
def who_am_i():
    me = a.api("GET", "/users/me").json()
    a.check("id", me["id"], user_id)
    a.check("e-mail address", me["email"], a.task["email"])
    a.check("organization", me["org"]["id"], a.value("select org_id from org_member where user_id = $1 limit 1", user_id))
    switched = a.api("POST", "/users/me", json={"org": me["org"]["id"]})
    a.check("switching the organization", switched.status_code, 200)


@a.step
def refresh():
    before = dl.client_api.token
    a.check("there is a refresh token", bool(dl.client_api.refresh_token))
    time.sleep(1.1)
    a.check("the SDK refreshes", dl.client_api.renew_token())
    a.check("to another token", dl.client_api.token != before)
    a.check("that works", dl.projects.get(project_id=a.project.id).id, a.project.id)
    answer = a.plain.send("POST", a.server + "/token?default", json={"type": "refresh_token", "refresh_token": "x.y.z"})
    a.check("a made-up refresh token is refused", answer.status_code in (400, 401))
    a.check("as JSON with a message", bool(answer.json()["message"]))


@a.step
def api_key():
    kept = dl.client_api.token
    key = dl.client_api.generate_api_key(description="suite")
    a.check("an API key is a token of three parts", len(key.split(".")), 3)
    claims = jwt.decode(key, options={"verify_signature": False})
    a.check("with the e-mail address", claims["email"], a.task["email"])
    a.check("it is on record", a.value("select count(*)::int from credential where kind = 'api-key' and user_id = $1 and description = 'suite'", user_id), 1)
    a.check("login_api_key takes it", dl.login_api_key(key) in (None, True))
    a.check("and works", dl.projects.get(project_id=a.project.id).name, a.project.name)
    dl.login_token(kept)
    a.check("login_token takes a token", dl.projects.get(project_id=a.project.id).id, a.project.id)
    refused = None
    forged = jwt.encode({"email": a.task["email"], "exp": int(time.time()) + 3600}, "k" * 32)
    try:
        dl.login_token(forged)
    except ValueError as error:
        refused = str(error)
    a.check("a forged token is refused", bool(refused))
    a.check("and the old one is kept", dl.client_api.token, kept)
    a.login()


@a.step
def browser():
    port = 3999
    seen = {}
    page = a.plain.send("GET", f"{a.server}/login?callback=http://localhost:{port}", allow_redirects=False)
    a.check("the page of the browser login is there", page.status_code in (200, 302, 303))
    a.check("as a page for people", "text/html" in page.headers.get("content-type", "") or page.is_redirect)
    evil = a.plain.send("GET", f"{a.server}/login?callback=https://evil.example/steal", allow_redirects=False)
    a.check("other places get no tokens", evil.status_code, 400)


@a.step
def version_check():
    answer = a.plain.send("POST", a.server + "/api/v1/sdk/check", data={"version": dl.__version__, "email": a.task["email"]}, headers={"authorization": "Bearer " + dl.client_api.token})
    a.check("the version check answers", answer.status_code, 200)
    a.check("with a level", answer.json()["level"], "debug")
    a.check("and a message", "msg" in answer.json())


@a.step
def without_token():
    for method, path in [("GET", "/projects"), ("GET", "/orgs"), ("POST", "/datasets/query"), ("GET", "/items/" + "0" * 24), ("GET", "/users/me")]:
        answer = a.plain.send(method, f"{a.server}/api/v1{path}", json={} if method == "POST" else None)
        a.check(f"{method} {path.split('/')[1]} wants a log-in, as JSON", [answer.status_code, bool(answer.json()["message"])], [401, True])


@a.step
def log_out():
    dl.logout()
    a.check("after the log-out there is no token", bool(dl.client_api.token), False)
    a.check("and logging in works again", a.login())


a.run()
