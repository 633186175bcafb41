import asyncio
import grpc, pytest
from google.protobuf.duration_pb2 import Duration
from practice.session.v1 import session_service_pb2 as pb, practice_session_pb2 as spb
from practice.products.exercises.v1 import exercises_service_pb2 as ex
from practice.products.focus.v1 import focus_service_pb2 as fo
from tests.grpc_errors import refusal, outcome

async def test_walk(sessions, export, exercises, focus, me, internal, statistics, engine, redis_url):
    s = await sessions.StartSession(pb.StartSessionRequest(product="exercises", request_id="a"), metadata=me)
    print(s)
    n = s.session.name
    print(await sessions.StartSession(pb.StartSessionRequest(product="exercises", request_id="a"), metadata=me) == s)
    print(await sessions.SubmitAnswers(pb.SubmitAnswersRequest(name=n, request_id="b", answers=[spb.Answer(item="exercises/123", text=" HABLE ", time_taken=Duration(seconds=3)), spb.Answer(item="exercises/9999", text="x"), spb.Answer(item="exercises/124", text="comio", answer_id="1")]), metadata=me))
    print(await sessions.SaveDraft(pb.SaveDraftRequest(name=n, content='{"a":1.0}', request_id="c"), metadata=me))
    print(await sessions.GetDraft(pb.GetDraftRequest(name=n), metadata=me))
    print(await sessions.AddMessage(pb.AddMessageRequest(name=n, role="user", content="hi", request_id="d"), metadata=me))
    print(await sessions.ListMessages(pb.ListMessagesRequest(name=n), metadata=me))
    print(await sessions.PauseSession(pb.PauseSessionRequest(name=n, request_id="e"), metadata=me))
    print(await sessions.ResumeSession(pb.ResumeSessionRequest(name=n, request_id="f"), metadata=me))
    print(await sessions.GetActiveSession(pb.GetActiveSessionRequest(product="exercises"), metadata=me))
    print(await sessions.ListSessions(pb.ListSessionsRequest(), metadata=me))
    print(await sessions.RecordStandaloneAnswer(pb.RecordStandaloneAnswerRequest(product="exercises", answer=spb.Answer(item="exercises/123", text="x"), request_id="g"), metadata=me))
    print(await sessions.CompleteSession(pb.CompleteSessionRequest(name=n, request_id="h"), metadata=me))
    async for c in sessions.WatchSession(pb.WatchSessionRequest(name=n, cursor=1), metadata=me): print(c)
    async for c in export.ExportCompletions(pb.ExportCompletionsRequest(), metadata=internal): print(c)
    print(await exercises.StartSession(ex.StartSessionRequest(), metadata=me))
    r = await refusal(exercises.StartSession(ex.StartSessionRequest(session_type="x"), metadata=me)); print(vars(r))
    print(await exercises.SubmitAnswer(ex.SubmitAnswerRequest(exercise_id=123, user_answer="hable"), metadata=me))
    f = await focus.StartSession(fo.StartSessionRequest(duration_seconds=1500), metadata=me); print(f)
    print(await focus.GetActiveSession(fo.GetActiveSessionRequest(), metadata=me))
    print(await focus.PauseSession(fo.PauseSessionRequest(id=int(f.data.id), elapsed_seconds=5), metadata=me))
    print(await focus.ResumeSession(fo.ResumeSessionRequest(id=int(f.data.id)), metadata=me))
    print(await focus.EndSession(fo.EndSessionRequest(id=int(f.data.id), elapsed_seconds=50, status="completed"), metadata=me))
    print(await focus.ListSessions(fo.ListSessionsRequest(), metadata=me))
    print(statistics.asked)
