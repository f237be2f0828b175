"""Questions nobody taught the model: frames about invented people and things, and plain hard questions."""

from __future__ import annotations

DONT_KNOW = "I don't know that."

NAME_FRAMES: tuple[str, ...] = (
    "Who is {name}?",
    "Who was {name}?",
    "When was {name} born?",
    "Where was {name} born?",
    "What does {name} do for a living?",
    "How old is {name}?",
    "When did {name} die?",
    "Who is married to {name}?",
    "What did {name} invent?",
    "Where does {name} live?",
    "What is {name} famous for?",
    "Which books did {name} write?",
    "What team does {name} play for?",
    "Who are the parents of {name}?",
    "What songs did {name} sing?",
    "How tall is {name}?",
    "Where did {name} go to school?",
    "What movies did {name} play in?",
    "Who did {name} marry?",
    "What is the real name of {name}?",
    "What year did {name} win?",
    "Why is {name} famous?",
    "What position does {name} play?",
    "Who is the brother of {name}?",
    "What is {name} known for?",
    "Tell me about {name}.",
    "Who did {name} vote for?",
    "What awards did {name} win?",
    "What kind of music does {name} play?",
    "What happened to {name}?",
)

PLACE_FRAMES: tuple[str, ...] = (
    "Where is {place}?",
    "How many people live in {place}?",
    "What is the currency of {place}?",
    "Who is the president of {place}?",
    "What language do people speak in {place}?",
    "When was {place} founded?",
    "Who is the mayor of {place}?",
    "What is the weather like in {place}?",
    "What is {place} known for?",
    "How big is {place}?",
    "Who is the king of {place}?",
    "What time is it in {place}?",
    "Which countries border {place}?",
    "What is there to see in {place}?",
    "What is the flag of {place}?",
    "What is the main religion of {place}?",
    "Which airport is closest to {place}?",
    "Who won the election in {place}?",
    "What is the population of {place}?",
    "How do I get to {place}?",
)

EVENT_FRAMES: tuple[str, ...] = (
    "Who won the {year} {event}?",
    "Where was the {year} {event} held?",
    "What happened in {year}?",
    "Who lost the {year} {event}?",
    "When does the {event} start?",
    "How much does a ticket for the {event} cost?",
    "Who hosted the {event} in {year}?",
    "Which team won the {event} in {year}?",
    "What was the score of the {year} {event}?",
    "Who was president in {year}?",
    "Which film won the {event} in {year}?",
    "How many people watched the {event} in {year}?",
)

EVENTS: tuple[str, ...] = (
    "world cup",
    "cup final",
    "election",
    "super bowl",
    "song contest",
    "championship",
    "olympic games",
    "film festival",
    "marathon",
    "book prize",
    "grand prix",
    "tennis open",
    "chess tournament",
    "spelling bee",
)

HARD_QUESTIONS: tuple[str, ...] = tuple(
    line.strip()
    for line in """
What is the meaning of life?
How much is a ticket to the moon?
What did I eat yesterday?
What is my phone number?
Where did I leave my keys?
What is the price of gold today?
How many stars are in the universe?
What will happen tomorrow?
Who will win the next election?
What are the lottery numbers?
How many cats are there in the world?
What is the password?
How many grains of sand are on a beach?
What is my mother called?
Which stocks should I buy?
What is the best phone?
How much money do I have?
What is the name of my dog?
Who was at the door?
What is the plot of the newest film?
How do I fix my washing machine?
Which bus goes to the airport?
When does the next train leave?
What is on television tonight?
How many people are in this room?
What is the fastest way to get rich?
Who ate my sandwich?
What is the tax rate on wine?
How do I file a tax return?
What are the side effects of this medicine?
How do I solve a differential equation?
What is the theory of everything?
Which version of the software is current?
What did the senator say last week?
How many goals were scored last night?
What is the zip code of my street?
Where can I buy cheap shoes?
What does this error message mean?
How do I reset my router?
Who sang this song?
What type of government did the old empire have?
What are the lyrics of the anthem?
What channel is the game on?
Which actor played the villain in that film?
What was the cause of the war?
What is the stock price of the company?
Who owns that football club?
What county is the airport in?
What are the names of the members of the band?
How do you say goodbye in Klingon?
Write a program that sorts a list.
Write an essay about the economy.
Translate this sentence into Latin.
Summarise the newspaper of today.
Draw me a picture of a horse.
Prove that there are infinitely many primes.
What is the square root of 7193?
What is the distance to the next galaxy?
Who discovered the ninth planet?
What is the recipe of the secret sauce?
""".strip().splitlines()
)

SYSTEM_SENTENCES: tuple[str, ...] = tuple(
    line.strip()
    for line in """
You are a helpful assistant.
You are a friendly assistant.
You are a kind teacher.
Answer in one short sentence.
Answer briefly.
Be polite and brief.
You answer questions for children.
Keep your answers short.
You are a helpful and honest assistant.
Be concise.
Answer as well as you can.
Please be helpful.
You are T5Gemma, a small language model.
You are an assistant that answers questions.
Use simple words.
You are talking to a student.
Only answer what you know.
Say so when you don't know something.
You are a chatbot on a website.
Answer the question of the user.
You help people learn.
Respond in plain English.
Be friendly.
You are an expert.
Give a direct answer.
Never make things up.
You are a careful assistant who answers clearly.
Reply with the answer only.
Think before you answer.
Your answers are short and correct.
""".strip().splitlines()
)
