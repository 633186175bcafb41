"""Every use case, made once and handed to whoever serves it."""

from __future__ import annotations

from dataclasses import dataclass

from catalog_service.application.batch_get_answer_keys import BatchGetAnswerKeys
from catalog_service.application.create_problem import CreateProblem
from catalog_service.application.delete_problem import DeleteProblem
from catalog_service.application.find_content import FindContent
from catalog_service.application.get_activity import GetActivity
from catalog_service.application.get_exercise import GetExercise
from catalog_service.application.get_problem import GetProblem
from catalog_service.application.get_sequence import GetSequence
from catalog_service.application.list_achievements import ListAchievements
from catalog_service.application.list_activities import ListActivities
from catalog_service.application.list_content_items import ListContentItems
from catalog_service.application.list_exercises import ListExercises
from catalog_service.application.list_problems import ListProblems
from catalog_service.application.list_sequences import ListSequences
from catalog_service.application.load_achievements import LoadAchievements
from catalog_service.application.load_activities import LoadActivities
from catalog_service.application.load_exercises import LoadExercises
from catalog_service.application.load_problems import LoadProblems
from catalog_service.application.load_sequences import LoadSequences
from catalog_service.application.ports import UnitOfWorkFactory
from catalog_service.application.update_problem import UpdateProblem


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the service can do."""

    get_exercise: GetExercise
    list_exercises: ListExercises
    get_activity: GetActivity
    list_activities: ListActivities
    get_sequence: GetSequence
    list_sequences: ListSequences
    create_problem: CreateProblem
    get_problem: GetProblem
    list_problems: ListProblems
    update_problem: UpdateProblem
    delete_problem: DeleteProblem
    batch_get_answer_keys: BatchGetAnswerKeys
    find_content: FindContent
    list_content_items: ListContentItems
    list_achievements: ListAchievements
    load_exercises: LoadExercises
    load_activities: LoadActivities
    load_sequences: LoadSequences
    load_problems: LoadProblems
    load_achievements: LoadAchievements


def build_use_cases(units: UnitOfWorkFactory, *, most_problems: int) -> UseCases:
    """Returns every use case over the same units of work. `most_problems` is what an account may have."""
    return UseCases(
        get_exercise=GetExercise(units),
        list_exercises=ListExercises(units),
        get_activity=GetActivity(units),
        list_activities=ListActivities(units),
        get_sequence=GetSequence(units),
        list_sequences=ListSequences(units),
        create_problem=CreateProblem(units, most_problems),
        get_problem=GetProblem(units),
        list_problems=ListProblems(units),
        update_problem=UpdateProblem(units),
        delete_problem=DeleteProblem(units),
        batch_get_answer_keys=BatchGetAnswerKeys(units),
        find_content=FindContent(units),
        list_content_items=ListContentItems(units),
        list_achievements=ListAchievements(units),
        load_exercises=LoadExercises(units),
        load_activities=LoadActivities(units),
        load_sequences=LoadSequences(units),
        load_problems=LoadProblems(units),
        load_achievements=LoadAchievements(units),
    )
