"""What ships to practise is enough, right where it can be checked, and within the contract."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import UTC, datetime

import protovalidate
import pytest
from practice.catalog.v1 import catalog_service_pb2
from practice.session.v1 import product_admin_service_pb2
from practice.stats.v1 import progress_pb2, stats_service_pb2

from deploy.commands.content import loading as content
from deploy.deserved_badges import Ended, deserved_badges
from stats_service.domain.conditions import read_terms, variables_in
from tests.deploy.content_services import SHIPPED, serving

PRODUCTS = ("exercises", "focus", "portal", "yoga", "design")


class Shipped:
    """What loading the shipped files sends."""

    def __init__(self) -> None:
        with serving() as services:
            services.load(SHIPPED)
        for request in services.requests:
            protovalidate.validate(request)
        products, exercises, activities, sequences, problems, achievements, badges = services.requests
        assert isinstance(products, product_admin_service_pb2.LoadProductsRequest)
        assert isinstance(exercises, catalog_service_pb2.LoadExercisesRequest)
        assert isinstance(activities, catalog_service_pb2.LoadActivitiesRequest)
        assert isinstance(sequences, catalog_service_pb2.LoadSequencesRequest)
        assert isinstance(problems, catalog_service_pb2.LoadProblemsRequest)
        assert isinstance(achievements, catalog_service_pb2.LoadAchievementsRequest)
        assert isinstance(badges, stats_service_pb2.LoadBadgeDefinitionsRequest)
        self.products = [one.product for one in products.products]
        self.exercises = {one.exercise_id: one for one in exercises.exercises}
        self.activities = {one.activity_id: one for one in activities.activities}
        self.sequences = {one.sequence_id: one for one in sequences.sequences}
        self.problems = {one.key: one.problem for one in problems.problems}
        self.achievements = {one.achievement_id: one for one in achievements.achievements}
        self.badges = {one.badge_id: one for one in badges.badge_definitions}


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    return Shipped()


def test_the_shipped_content_has_no_faults() -> None:
    assert content.check(SHIPPED) == []


def test_the_five_products_ship(shipped: Shipped) -> None:
    assert shipped.products == list(PRODUCTS)


def test_forty_exercises_ship_with_the_one_that_clients_know(shipped: Shipped) -> None:
    assert len(shipped.exercises) >= 40
    assert list(shipped.exercises[123].accepted_answers) == ["hable"]


def test_the_first_words_of_the_basic_vocabulary_are_hello_and_goodbye(shipped: Shipped) -> None:
    basic = shipped.activities[123]
    assert (basic.title, basic.type) == ("Basic Vocabulary", "flashcards")
    assert (basic.language, basic.translation_language) == ("en", "es")
    hello, goodbye = basic.words[:2]
    assert (hello.word_id, hello.word, list(hello.translations)) == ("en-hello", "hello", ["hola"])
    assert (goodbye.word, goodbye.translations[0]) == ("goodbye", "adiós")
    assert {"easy", "medium"} <= set(hello.difficulties)
    assert {"easy", "medium"} <= set(goodbye.difficulties)


def test_the_basic_vocabulary_has_words_enough_for_every_difficulty(shipped: Shipped) -> None:
    words = shipped.activities[123].words
    assert len(words) >= 200
    levels = Counter(level for word in words for level in word.difficulties)
    assert all(levels[level] >= 40 for level in ("easy", "medium", "hard"))


def test_there_are_other_activities_also_of_another_language(shipped: Shipped) -> None:
    others = [activity for number, activity in shipped.activities.items() if number != 123]
    assert len(others) >= 2
    assert all(len(activity.words) >= 60 for activity in others)
    assert any(activity.translation_language != "es" for activity in others)


def test_no_hint_or_stray_sign_is_in_a_translation(shipped: Shipped) -> None:
    texts = [
        text
        for activity in shipped.activities.values()
        for word in activity.words
        for text in word.translations
    ]
    allowed = set(" '-¿?")
    strange = {text for text in texts for sign in text if not (sign.isalpha() or sign in allowed)}
    assert strange == set()
    assert [text for text in texts if text != unicodedata.normalize("NFC", text)] == []
    assert [text for text in texts if text.startswith("¿") != text.endswith("?")] == []


def test_ten_sequences_ship_that_begin_gently_and_end_at_rest(shipped: Shipped) -> None:
    assert len(shipped.sequences) >= 10
    assert 123 in shipped.sequences
    for sequence in shipped.sequences.values():
        assert len(sequence.poses) >= 10, sequence.title
        assert 600 <= sum(pose.duration_seconds for pose in sequence.poses) <= 1800, sequence.title
        assert sequence.poses[-1].title in ("Corpse Pose", "Seated Rest"), sequence.title


def test_a_pose_on_one_side_is_practised_on_the_other_for_as_long(shipped: Shipped) -> None:
    for sequence in shipped.sequences.values():
        sides: dict[str, dict[str, int]] = {"(right)": {}, "(left)": {}}
        for pose in sequence.poses:
            name, _, side = pose.title.rpartition(" ")
            if side in sides:
                sides[side][name] = pose.duration_seconds
        assert sides["(right)"] == sides["(left)"], sequence.title


def test_a_pose_has_one_sanskrit_name_over_all_sequences(shipped: Shipped) -> None:
    names: dict[str, set[str]] = {}
    for sequence in shipped.sequences.values():
        for pose in sequence.poses:
            names.setdefault(pose.title, set()).add(pose.sanskrit_title)
    assert {title: found for title, found in names.items() if len(found) > 1} == {}


def test_ten_problems_ship_of_every_difficulty_and_each_helps_along(shipped: Shipped) -> None:
    assert len(shipped.problems) >= 10
    assert {problem.difficulty for problem in shipped.problems.values()} == {"easy", "medium", "hard"}
    for key, problem in shipped.problems.items():
        assert min(len(problem.requirements), len(problem.constraints), len(problem.hints)) >= 3, key


def test_a_session_of_words_with_four_right_of_five_is_an_achievement(shipped: Shipped) -> None:
    sharp = shipped.achievements["sharp-mind"]
    assert (sharp.product, sharp.type, sharp.title) == ("portal", "accuracy", "Sharp Mind")
    assert sharp.description == "80% success rate in a session"
    assert (sharp.metric, sharp.threshold) == ("success_rate", 0.8)
    assert len(shipped.achievements) >= 3


def test_every_product_has_badges_and_one_for_the_first_session(shipped: Shipped) -> None:
    assert len(shipped.badges) >= 25
    conditions = {badge.condition for badge in shipped.badges.values()}
    assert conditions >= {f"{product}.sessions >= 1" for product in PRODUCTS}


def test_the_ids_of_badges_that_people_have_are_still_there(shipped: Shipped) -> None:
    kept = {
        "exercises-first-session",
        "exercises-25-sessions",
        "exercises-500-answers",
        "exercises-100-right",
        "exercises-1000-right",
        "exercises-7-day-streak",
        "focus-first-session",
        "focus-50-sessions",
        "focus-10-hours",
        "focus-100-hours",
        "focus-7-day-streak",
        "all-3-day-streak",
        "all-7-day-streak",
        "all-30-day-streak",
        "all-100-days",
    }
    assert kept <= set(shipped.badges)


def test_no_two_badges_look_alike(shipped: Shipped) -> None:
    badges = shipped.badges.values()
    assert len({badge.icon for badge in badges}) == len(badges)
    assert len({badge.name for badge in badges}) == len(badges)
    assert len({badge.condition for badge in badges}) == len(badges)


def test_some_badges_are_a_surprise_and_some_span_products(shipped: Shipped) -> None:
    badges = shipped.badges.values()
    assert sum(badge.hidden for badge in badges) >= 3
    spanning = [badge for badge in badges if len(scopes(badge.condition) & set(PRODUCTS)) > 1]
    assert len(spanning) >= 3
    assert all(badge.product == "all" for badge in spanning)


def test_a_badge_is_listed_under_the_product_that_it_asks_about(shipped: Shipped) -> None:
    for badge in shipped.badges.values():
        asked = scopes(badge.condition)
        if badge.product == "all":
            assert asked.isdisjoint(PRODUCTS) or len(asked) > 1, badge.badge_id
        else:
            own = {badge.product}, {"session"}
            assert asked in own, badge.badge_id
            assert asked == {badge.product} or f'session.product == "{badge.product}"' in badge.condition


def test_a_season_is_a_draft_until_it_is_opened(shipped: Shipped) -> None:
    seasons = [badge for badge in shipped.badges.values() if badge.first_date]
    assert seasons
    assert {badge.state for badge in seasons} == {progress_pb2.BADGE_STATE_INACTIVE}


def test_every_shipped_condition_is_compared_by_the_column(shipped: Shipped) -> None:
    """One that is not is asked anew of every completion of everybody who has not met it."""
    assert [badge.badge_id for badge in shipped.badges.values() if read_terms(badge.condition) is None] == []


def scopes(condition: str) -> set[str]:
    return {scope for scope, _ in variables_in(condition)}


def test_the_demo_earns_badges_of_nothing_that_it_does_not_practise(shipped: Shipped) -> None:
    noon = datetime(2026, 2, 18, 12, tzinfo=UTC)
    ended = [
        Ended(product="exercises", seconds=20, end=noon, answers=15, correct_answers=12),
        Ended(product="focus", seconds=1500, end=noon),
    ]
    assert deserved_badges(SHIPPED, ended) == ["exercises-first-session", "focus-first-session"]


def test_the_demo_played_early_on_a_saturday_earns_what_the_hour_earns() -> None:
    early = datetime(2026, 2, 21, 5, 30, tzinfo=UTC)
    long = Ended(product="yoga", seconds=3600, end=early)
    assert deserved_badges(SHIPPED, [long]) == [
        "all-early-bird",
        "all-weekend",
        "yoga-first-session",
        "yoga-sunrise",
    ]
