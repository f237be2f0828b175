"""Pairs of opposites; each pair is asked in both directions unless it is written with `>`."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

_PAIRS = """
hot cold, big small, tall short, fast slow, light dark, happy sad, old young, rich poor, high low, hard soft, wet dry,
clean dirty, full empty, early late, near far, open closed, strong weak, thick thin, wide narrow, deep shallow, heavy>light,
loud quiet, sweet sour, sharp blunt, smooth rough, true false, right wrong, good bad, first last, up down, in out, on off,
left>right, top bottom, front back, inside outside, above below, before after, day night, summer winter, north south, east west,
morning evening, war peace, love hate, life death, friend enemy, beginning end, success failure, victory defeat, question answer,
truth lie, gain loss, profit>loss, buy sell, give take, push pull, win lose, laugh cry, arrive leave, start stop, begin>end,
remember forget, accept refuse, ask>answer, build destroy, come go, rise fall, increase decrease, enter exit, borrow lend, float sink,
freeze melt, teach learn, live die, lock unlock, pack unpack, dress undress, appear disappear, agree disagree, like dislike,
trust distrust, allow forbid, attack defend, create>destroy, find>lose, follow lead, hide show, join separate, praise blame, raise lower,
save spend, sit stand, sleep wake, speak>listen, throw catch, always never, often rarely, everything nothing, everybody nobody,
more less, many few, all none, same different, easy difficult, simple complex, possible impossible, polite rude, patient impatient,
brave cowardly, kind cruel, generous selfish, honest dishonest, careful careless, useful useless, hopeful hopeless, lucky unlucky,
safe dangerous, legal illegal, visible invisible, perfect imperfect, correct incorrect, complete incomplete, direct indirect,
regular irregular, equal unequal, fair unfair, healthy sick, alive dead, awake asleep, beautiful ugly, cheap expensive, clever stupid,
wise foolish, modern ancient, new>old, fresh stale, ripe unripe, raw cooked, tight loose, straight crooked, bright dim, busy idle,
calm nervous, common rare, public private, male female, man woman, boy girl, king queen, father mother, brother sister, son daughter,
uncle aunt, husband wife, teacher student, doctor>patient, guest host, winner loser, hero villain, leader follower, adult child,
minimum maximum, majority minority, import export, internal external, positive negative, plus minus, single>married, urban rural,
vertical horizontal, temporary permanent, guilty innocent, proud humble, lazy hardworking, noisy>quiet, tiny huge, winter>summer,
optimist pessimist, entrance>exit, heaven hell, sunrise sunset, arrival departure, question>answer, forward backward,
upstairs downstairs, active passive, natural artificial, major minor, ancient>modern, absent present, past future, broad>narrow,
bitter>sweet, bold timid, gentle harsh, tame wild, hungry full>empty, here there, yes no, together apart, hello goodbye
"""


def _read(text: str) -> tuple[tuple[str, str], ...]:
    """Turn the table into (word, opposite) pairs in which no word has two opposites."""
    known: dict[str, str] = {}
    for entry in text.replace("\n", " ").split(","):
        one_way = ">" in entry
        words = entry.replace(">", " ").split()
        if len(words) != 2:
            continue
        known.setdefault(words[0], words[1])
        if not one_way:
            known.setdefault(words[1], words[0])
    return tuple(known.items())


OPPOSITES: tuple[tuple[str, str], ...] = _read(_PAIRS)
