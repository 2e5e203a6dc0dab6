"""A pharmacist at work: a patient from a file, what matters first, decisions, undo, print, reload, a server killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.server.conftest import Server
from tests.server.ui.conftest import of_another_knowledge_base, open_file, risk

COMMAND = Path(sys.executable).parent / "polypharmacy"


def test_two_serious_problems_come_first_and_stopping_one_drug_lowers_the_risk_until_it_is_undone(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    headings = page.locator("main h2").all_inner_texts()
    assert headings[:2] == ["2 serious problems to act on first", "Medicines"]
    problems = page.get_by_role("region", name="2 serious problems").get_by_role("listitem")
    expect(problems).to_have_count(2)
    expect(problems.nth(0)).to_contain_text("Simvastatin + Clarithromycin")
    expect(problems.nth(1)).to_contain_text("Naproxen + Warfarin")
    before = risk(page)

    naproxen = page.get_by_role("listitem", name="2. Naproxen")
    naproxen.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="1 serious problem to act on first")).to_be_visible()
    assert risk(page) < before
    expect(naproxen.get_by_role("button", name="Stop")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_test_id("risk-after")).to_have_text(str(before))
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(2)


def test_a_list_that_is_dropped_is_read(page: Page) -> None:
    page.goto("/")
    page.get_by_role("heading", name="Open a patient").wait_for()
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["drug,dose\\nwarfarin,4 mg\\nnaproxen,1 mg\\nqwertyuiopol,1 mg\\n"], "list.csv"));
            document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
    )
    expect(page.get_by_text("2 of 3 medicines known")).to_be_visible()
    expect(page.get_by_text("Not reviewed").first).to_be_visible()
    expect(page.get_by_text("qwertyuiopol")).to_be_visible()


def test_a_pasted_list_that_cannot_be_read_is_answered_with_what_to_do(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Or paste a list").fill('{"resourceType": "Patient"')
    page.get_by_role("button", name="Review this list").click()
    expect(page.get_by_role("alert")).to_contain_text("check that the whole file was copied")
    page.get_by_label("Or paste a list").fill("warfarin 4 mg daily")
    page.get_by_label("Age").fill("200")
    page.get_by_role("button", name="Review this list").click()
    expect(page.get_by_role("alert")).to_contain_text("less than or equal to 130")
    page.get_by_label("Age").fill("80")
    page.get_by_role("button", name="Review this list").click()
    expect(page.get_by_role("heading", name="Person, 80")).to_be_visible()


def test_switching_offers_what_is_listed_and_takes_any_known_drug(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    naproxen = page.get_by_role("listitem", name="2. Naproxen")
    naproxen.get_by_role("button", name="Switch").click()
    form = page.get_by_role("form", name="Switch Naproxen")
    expect(form.get_by_role("button", name="Paracetamol")).to_be_visible()
    form.get_by_label("Another drug").fill("qwertyuiop")
    form.get_by_role("button", name="Switch", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("not known to knowledge base")

    naproxen.get_by_role("button", name="Switch").click()
    page.get_by_role("form", name="Switch Naproxen").get_by_role("button", name="Paracetamol").click()
    switched = page.get_by_role("listitem", name="2. Paracetamol")
    expect(switched).to_contain_text("in place of Naproxen")
    switched.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("listitem", name="2. Naproxen")).to_be_visible()


def test_a_pair_tells_why_and_a_medicine_shows_evidence_with_its_sources(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    page.get_by_role("button", name="Warfarin + Naproxen: severe").click()
    told = page.locator(".pair-told")
    expect(told).to_contain_text("Stop the NSAID")
    told.get_by_text("Why, and on what grounds").click()
    expect(told.locator(".sources li").first).to_be_visible()
    page.get_by_role("button", name="Metformin + Lisinopril: none found").or_(
        page.get_by_role("button", name="Lisinopril + Metformin: none found")
    ).click()
    expect(told).to_contain_text("not the same as safe")
    page.keyboard.press("e")
    expect(page.locator(".detail")).to_contain_text("As written")


def test_the_tabs_tell_burdens_against_their_limits_organs_and_criteria_with_what_they_lack(page: Page) -> None:
    open_file(page, "fifteen_medicines.txt")
    page.get_by_role("tab", name="Burdens").click()
    panel = page.get_by_role("tabpanel")
    load = panel.get_by_role("listitem").filter(has_text="Anticholinergic")
    expect(load).to_contain_text("At the limit or above 9, limit 3")
    expect(load).to_contain_text("Amitriptyline 3")
    expect(panel.get_by_role("listitem").filter(has_text="QT")).to_contain_text("Below the limit 2, limit 3")
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Stop: Amitriptyline")
    expect(load).to_contain_text("6 (was 9), limit 3")
    page.keyboard.press("j")
    page.keyboard.press("m")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Monitor: Citalopram")

    page.get_by_role("tab", name="Organs, genes").click()
    expect(panel).to_contain_text("Not checked: no Child-Pugh class is stated.")
    expect(panel).to_contain_text("Not checked: no phenotype is stated.")
    expect(panel.get_by_role("article").first).to_contain_text("Glibenclamide, eGFR 38")

    page.get_by_role("tab", name="Criteria").click()
    expect(panel.locator(".finding").filter(has_text="Naproxen: NSAID in heart failure").first).to_be_visible()
    expect(panel.get_by_role("heading", name="START: consider adding")).to_be_visible()
    expect(panel).to_contain_text("Heart failure without an SGLT2 inhibitor")
    expect(panel.get_by_role("heading", name="Could not be evaluated")).to_be_visible()
    expect(panel).to_contain_text("Needs QTc")


def test_a_phenotype_stands_in_the_header_and_what_follows_from_it_under_genes(page: Page) -> None:
    patient = {"text": "clopidogrel 75 mg daily", "phenotypes": {"CYP2C19": "Poor metaboliser"}}
    opened = page.request.post("/reviews", data={"patient": patient})
    page.goto(f"/review/{opened.json()['id']}?tab=organs")
    expect(page.get_by_role("region", name="Patient")).to_contain_text("CYP2C19 poor metabolizer")
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("Clopidogrel, CYP2C19 poor metabolizer")
    expect(panel).not_to_contain_text("no phenotype is stated")


def test_the_suggestion_is_closed_until_it_is_asked_and_an_override_is_kept_with_its_reason(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    box = page.get_by_role("region", name="Suggestion")
    expect(box.get_by_role("button")).to_have_text(["Suggest the next step"])
    box.get_by_role("button", name="Suggest").click()
    expect(box).to_contain_text("From the plan of this review")
    box.get_by_label("Reason to override").select_option("The patient wishes otherwise")
    box.get_by_role("button", name="Override").click()
    page.get_by_role("listitem", name="2. Naproxen").get_by_role("button", name="Monitor").click()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("The patient wishes otherwise")
    box.get_by_role("button", name="Suggest").click()
    box.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(2)


def test_both_pages_print_and_the_patients_never_tells_to_stop(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    page.get_by_role("listitem", name="2. Naproxen").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="1 serious problem")).to_be_visible()
    review = page.url.rsplit("/", 1)[1]

    page.goto(f"/reviews/{review}/report?format=html")
    expect(page.get_by_text("Naproxen").first).to_be_visible()
    assert page.pdf().startswith(b"%PDF")

    page.goto(f"/review/{review}/patient")
    sheet = page.get_by_role("article")
    expect(sheet).to_contain_text("Keep taking your medicines as you were told")
    expect(sheet).to_contain_text("My pharmacist would like to talk about a change to Naproxen")
    words = sheet.inner_text().lower().replace("bleeding that does not stop", "")
    assert not any(word in words for word in ("stop", "skip", "halve", "discontinue"))
    assert page.pdf().startswith(b"%PDF")


def test_a_review_goes_on_after_a_reload_and_by_its_address_in_another_tab(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    page.keyboard.press("s")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Stop: Clarithromycin")
    points = risk(page)
    page.reload()
    expect(page.get_by_test_id("risk-after")).to_have_text(str(points))
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("listitem", name="2. Naproxen").get_by_role("button", name="Stop").click()
    expect(other.get_by_test_id("risk-after")).not_to_have_text(str(points))
    page.get_by_role("listitem", name="3. Warfarin").get_by_role("button", name="Monitor").click()  # it lags behind
    expect(page.get_by_role("alert")).to_contain_text("read it again")
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(2)


def test_a_review_of_another_knowledge_base_can_be_read_and_says_why_it_cannot_go_on(
    page: Page, server: Server
) -> None:
    open_file(page, "nine_medicines.json")
    page.get_by_role("listitem", name="2. Naproxen").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="1 serious problem")).to_be_visible()
    page.goto(f"/review/{of_another_knowledge_base(server, page.url)}")
    expect(page.get_by_role("alert")).to_contain_text("made with knowledge base 1999.1 (other)")
    expect(page.get_by_role("region", name="Woman, 82")).to_contain_text("Naproxen 250 mg (bought over the counter)")
    expect(page.get_by_role("region", name="What was done").get_by_role("listitem")).to_have_text(["1Stop: Naproxen"])
    expect(page.locator("main").get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name="Open a patient", exact=True).click()
    expect(page.get_by_text("1999.1 (read only)").first).to_be_visible()


def test_steps_quicker_than_the_answers_are_all_taken(page: Page) -> None:
    open_file(page, "nine_medicines.json")
    for key in "sjsjm":
        page.keyboard.press(key)
    steps = page.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(steps).to_contain_text(["Stop: Clarithromycin", "Stop: Naproxen", "Monitor: Warfarin"])
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("name", ["00000000-0000-4000-8000-000000000000", "half-an-address"])
def test_an_address_of_no_review_says_so_and_where_to_go(page: Page, name: str) -> None:
    page.goto(f"/review/{name}")
    expect(page.get_by_role("alert")).to_contain_text("There is no such review on this server")
    page.get_by_role("link", name="go on with another review").click()
    expect(page.get_by_role("heading", name="Open a patient")).to_be_visible()


def test_fifteen_medicines_fit_a_window_of_1280(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    open_file(page, "fifteen_medicines.txt")
    expect(page.locator(".medicine")).to_have_count(15)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280
    assert page.evaluate(
        "() => { const t = document.querySelector('.matrix'); return t.scrollWidth <= t.parentElement.clientWidth }"
    )


def test_a_server_that_is_killed_and_comes_back_takes_the_decision_that_was_waiting(page: Page, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def start() -> subprocess.Popen[bytes]:
        env = os.environ | {
            "POLYPHARMACY_PORT": str(port),
            "POLYPHARMACY_WARM": "false",
            "POLYPHARMACY_DATABASE_URL": f"sqlite:///{tmp_path / 'reviews.sqlite'}",
        }
        process = subprocess.Popen([COMMAND, "serve"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 90
        while process.poll() is None and time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    server = start()
    try:
        page.goto(f"http://127.0.0.1:{port}/", timeout=60_000)
        page.get_by_role("button", name="Nine medicines").click()
        page.get_by_role("listitem", name="2. Naproxen").get_by_role("button", name="Stop").click()
        expect(page.get_by_role("heading", name="1 serious problem")).to_be_visible()
        server.send_signal(signal.SIGKILL)
        server.wait()
        page.get_by_role("listitem", name="1. Clarithromycin").get_by_role("button", name="Stop").click()
        expect(page.get_by_text("The server does not answer. Nothing is lost")).to_be_visible()
        server = start()
        expect(page.get_by_role("heading", name="No serious problem is left")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(2)
    finally:
        server.kill()
        server.wait()
