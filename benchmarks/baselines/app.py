"""The baseline over HTTP: sessions, answers and diagrams by the paths of the products."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.baselines.progress import count_completion, new_day, new_progress
from benchmarks.baselines.tables import Answer, DailyProgress, Diagram, PracticeSession, Progress

KEYS = {
    key["kid"]: jwt.PyJWK(key).key
    for key in json.loads(Path(os.environ["BASELINE_JWKS"]).read_text())["keys"]
}
EXERCISES = {"123": ("hable", "After ojalá comes the subjunctive.")}
engine = create_async_engine(
    os.environ["BASELINE_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
    pool_size=10,
    max_overflow=5,
)
Sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Closes connections at the end."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def user_of(authorization: Annotated[str, Header()]) -> int:
    """Returns whose token it is."""
    token = authorization.removeprefix("Bearer ")
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="practice-access", issuer="practice")
    except (jwt.PyJWTError, KeyError):
        raise HTTPException(401, "Could not validate credentials") from None
    return int(claims["sub"])


async def database() -> AsyncIterator[AsyncSession]:
    """A database session for a request."""
    async with Sessions() as session:
        yield session


User = Annotated[int, Depends(user_of)]
Database = Annotated[AsyncSession, Depends(database)]


class Start(BaseModel):
    """A request to start."""

    session_type: str = "practice"


class Started(BaseModel):
    """A session that has begun."""

    session_id: int
    started_at: datetime


class Submit(BaseModel):
    """A request to answer."""

    session_id: int
    exercise_id: str
    user_answer: str = Field(max_length=1000)
    time_taken: float | None = None


class Submitted(BaseModel):
    """How an answer was graded."""

    is_correct: bool
    correct_answer: str
    exercise_id: int
    session_id: int
    feedback: str
    total_exercises: int
    correct_answers: int
    score_percentage: float


class End(BaseModel):
    """A request to end."""

    session_id: int


class Ended(BaseModel):
    """A session that has ended, and what it led to."""

    session_id: int
    started_at: datetime
    ended_at: datetime
    duration_seconds: int
    total_exercises: int
    correct_answers: int
    score_percentage: float
    current_streak: int
    best_streak: int
    session_count: int


class Autosave(BaseModel):
    """A request to save a diagram."""

    diagram_data: dict[str, Any]
    time_spent: int = 0


def score(session: PracticeSession) -> float:
    """Returns the share of right answers in percent."""
    total = session.total_exercises
    return round(session.correct_answers / total * 100, 2) if total else 0.0


async def open_session(database: AsyncSession, session_id: int, user_id: int) -> PracticeSession:
    """Returns a user's own session, locked."""
    session = await database.scalar(
        select(PracticeSession)
        .where(PracticeSession.id == session_id, PracticeSession.user_id == user_id)
        .with_for_update()
    )
    if session is None:
        raise HTTPException(404, "Session not found or does not belong to user")
    if session.ended_at is not None:
        raise HTTPException(400, "Session is already completed")
    return session


@app.get("/health")
async def health() -> dict[str, str]:
    """Says that it serves."""
    return {"status": "ok"}


@app.post("/exercises/session/start")
async def start_session(request: Start, user_id: User, database: Database) -> Started:
    """Starts a session."""
    now = datetime.now(UTC)
    session = PracticeSession(
        user_id=user_id, session_type=request.session_type, started_at=now, updated_at=now
    )
    database.add(session)
    await database.commit()
    return Started(session_id=session.id, started_at=now)


@app.post("/exercises/submit")
async def submit_answer(request: Submit, user_id: User, database: Database) -> Submitted:
    """Records an answer."""
    exercise = EXERCISES.get(request.exercise_id)
    if exercise is None:
        raise HTTPException(404, "Exercise not found")
    session = await open_session(database, request.session_id, user_id)
    expected, explanation = exercise
    now = datetime.now(UTC)
    correct = request.user_answer.strip().casefold() == expected
    database.add(
        Answer(
            session_id=session.id,
            exercise_id=int(request.exercise_id),
            user_answer=request.user_answer,
            time_taken=request.time_taken,
            correct=correct,
            answered_at=now,
        )
    )
    session.total_exercises += 1
    session.correct_answers += correct
    session.updated_at = now
    await database.commit()
    return Submitted(
        is_correct=correct,
        correct_answer=expected,
        exercise_id=int(request.exercise_id),
        session_id=session.id,
        feedback="Correct!" if correct else explanation,
        total_exercises=session.total_exercises,
        correct_answers=session.correct_answers,
        score_percentage=score(session),
    )


@app.post("/exercises/session/end")
async def end_session(request: End, user_id: User, database: Database) -> Ended:
    """Ends a session and counts it, in one transaction."""
    session = await open_session(database, request.session_id, user_id)
    now = datetime.now(UTC)
    session.state, session.ended_at, session.updated_at = "completed", now, now
    session.local_date = now.date()
    session.elapsed_seconds = int((now - session.started_at).total_seconds())
    progress = await database.get(Progress, user_id, with_for_update=True)
    if progress is None:
        progress = new_progress(user_id)
        database.add(progress)
    daily = await database.get(DailyProgress, (user_id, session.local_date))
    if daily is None:
        daily = new_day(user_id, session.local_date)
        database.add(daily)
    count_completion(
        progress,
        daily,
        session.local_date,
        seconds=session.elapsed_seconds,
        answers=session.total_exercises,
        correct=session.correct_answers,
    )
    await database.commit()
    return Ended(
        session_id=session.id,
        started_at=session.started_at,
        ended_at=now,
        duration_seconds=session.elapsed_seconds,
        total_exercises=session.total_exercises,
        correct_answers=session.correct_answers,
        score_percentage=score(session),
        current_streak=progress.current_streak,
        best_streak=progress.best_streak,
        session_count=progress.session_count,
    )


@app.post("/design/sessions/", status_code=201)
async def start_design(user_id: User, database: Database) -> dict[str, Any]:
    """Starts a session with a diagram."""
    now = datetime.now(UTC)
    session = PracticeSession(user_id=user_id, session_type="design", started_at=now, updated_at=now)
    database.add(session)
    await database.commit()
    return {"id": session.id, "time_spent": 0, "updated_at": now}


@app.put("/design/sessions/{session_id}/autosave")
async def autosave(session_id: int, request: Autosave, user_id: User, database: Database) -> dict[str, Any]:
    """Saves a diagram."""
    session = await open_session(database, session_id, user_id)
    now = datetime.now(UTC)
    content = json.dumps(request.diagram_data, separators=(",", ":"))
    diagram = await database.get(Diagram, session.id)
    if diagram is None:
        database.add(Diagram(session_id=session.id, content=content, time_spent=0, saved_at=now))
    else:
        diagram.content, diagram.saved_at = content, now
        diagram.time_spent = request.time_spent
    session.elapsed_seconds, session.updated_at = request.time_spent, now
    await database.commit()
    return {"id": session.id, "time_spent": request.time_spent, "updated_at": now}
