"""Facts about geography, time, colours and everyday life."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from t5gemma_app.training.demo.facts.fact import Fact, read_facts

EVERYDAY: tuple[Fact, ...] = read_facts("""
There are seven days in a week. | How many days are in a week? | How many days does a week have? | What is the number of days in a week?
There are twelve months in a year. | How many months are in a year? | How many months does a year have? | What is the number of months in a year?
There are 365 days in a year. | How many days are in a year? | How many days does a year have? | What is the number of days in a year?
There are 366 days in a leap year. | How many days are in a leap year? | How many days does a leap year have? | What is the number of days in a leap year?
There are 24 hours in a day. | How many hours are in a day? | How many hours does a day have? | What is the number of hours in a day?
There are 60 minutes in an hour. | How many minutes are in an hour? | How many minutes does an hour have? | What is the number of minutes in an hour?
There are 60 seconds in a minute. | How many seconds are in a minute? | How many seconds does a minute have? | What is the number of seconds in a minute?
There are 52 weeks in a year. | How many weeks are in a year? | How many weeks does a year have? | What is the number of weeks in a year?
There are ten years in a decade. | How many years are in a decade? | How many years does a decade have? | How long is a decade?
There are 100 years in a century. | How many years are in a century? | How many years does a century have? | How long is a century?
There are four seasons in a year. | How many seasons are in a year? | How many seasons does a year have? | What is the number of seasons in a year?
There are 26 letters in the alphabet. | How many letters are in the alphabet? | How many letters does the alphabet have? | What is the number of letters in the alphabet?
There are seven continents. | How many continents are there? | How many continents does the earth have? | What is the number of continents?
There are five oceans. | How many oceans are there? | How many oceans does the earth have? | What is the number of oceans?
The seasons are spring, summer, autumn and winter. | What are the seasons? | Name the four seasons. | Which seasons are there?
January is the first month. | What is the first month? | Which month is the first? | Which month comes first in the year?
December is the last month. | What is the last month? | Which month is the last? | Which month comes last in the year?
February is the shortest month. | What is the shortest month? | Which month is the shortest? | Which month has the fewest days?
Tuesday comes after Monday. | What day comes after Monday? | Which day follows Monday? | What is the day after Monday?
Wednesday comes after Tuesday. | What day comes after Tuesday? | Which day follows Tuesday? | What is the day after Tuesday?
Thursday comes after Wednesday. | What day comes after Wednesday? | Which day follows Wednesday? | What is the day after Wednesday?
Friday comes after Thursday. | What day comes after Thursday? | Which day follows Thursday? | What is the day after Thursday?
Saturday comes after Friday. | What day comes after Friday? | Which day follows Friday? | What is the day after Friday?
Sunday comes after Saturday. | What day comes after Saturday? | Which day follows Saturday? | What is the day after Saturday?
Monday comes after Sunday. | What day comes after Sunday? | Which day follows Sunday? | What is the day after Sunday?
February comes after January. | What month comes after January? | Which month follows January? | What is the month after January?
April comes after March. | What month comes after March? | Which month follows March? | What is the month after March?
June comes after May. | What month comes after May? | Which month follows May? | What is the month after May?
August comes after July. | What month comes after July? | Which month follows July? | What is the month after July?
October comes after September. | What month comes after September? | Which month follows September? | What is the month after September?
Grass is green. | What colour is grass? | What color is grass? | Which colour does grass have?
The sky is blue. | What colour is the sky? | What color is the sky? | Which colour does the sky have?
Snow is white. | What colour is snow? | What color is snow? | Which colour does snow have?
Blood is red. | What colour is blood? | What color is blood? | Which colour does blood have?
A banana is yellow. | What colour is a banana? | What color is a banana? | Which colour does a banana have?
Coal is black. | What colour is coal? | What color is coal? | Which colour does coal have?
A carrot is orange. | What colour is a carrot? | What color is a carrot? | Which colour does a carrot have?
Blue and yellow make green. | What do blue and yellow make? | Which colour do you get from blue and yellow? | How do you mix green?
Red and yellow make orange. | What do red and yellow make? | Which colour do you get from red and yellow? | How do you mix orange?
Red and blue make purple. | What do red and blue make? | Which colour do you get from red and blue? | How do you mix purple?
Mount Everest is the highest mountain. | What is the highest mountain? | Which mountain is the highest? | What is the tallest mountain in the world?
The Nile is the longest river. | What is the longest river? | Which river is the longest? | What is the longest river in the world?
The Pacific is the largest ocean. | What is the largest ocean? | Which ocean is the biggest? | What is the biggest ocean in the world?
Asia is the largest continent. | What is the largest continent? | Which continent is the biggest? | What is the biggest continent in the world?
Australia is the smallest continent. | What is the smallest continent? | Which continent is the smallest? | What is the smallest continent in the world?
Russia is the largest country. | What is the largest country? | Which country is the biggest? | What is the biggest country in the world?
Vatican City is the smallest country. | What is the smallest country? | Which country is the smallest? | What is the smallest country in the world?
The Sahara is the largest hot desert. | What is the largest desert? | Which desert is the biggest? | What is the biggest desert in the world?
Greenland is the largest island. | What is the largest island? | Which island is the biggest? | What is the biggest island in the world?
The Amazon flows through South America. | Where is the Amazon? | Where does the Amazon flow? | On which continent is the Amazon?
The Eiffel Tower is in Paris. | Where is the Eiffel Tower? | In which city is the Eiffel Tower? | Where can I see the Eiffel Tower?
Big Ben is in London. | Where is Big Ben? | In which city is Big Ben? | Where can I see Big Ben?
The pyramids are in Egypt. | Where are the pyramids? | In which country are the pyramids? | Where can I see the pyramids?
The Great Wall is in China. | Where is the Great Wall? | In which country is the Great Wall? | Where can I see the Great Wall?
The Colosseum is in Rome. | Where is the Colosseum? | In which city is the Colosseum? | Where can I see the Colosseum?
The Statue of Liberty is in New York. | Where is the Statue of Liberty? | In which city is the Statue of Liberty? | Where can I see the Statue of Liberty?
The Taj Mahal is in India. | Where is the Taj Mahal? | In which country is the Taj Mahal? | Where can I see the Taj Mahal?
People in France speak French. | What language do people speak in France? | Which language is spoken in France? | What is the language of France?
People in Spain speak Spanish. | What language do people speak in Spain? | Which language is spoken in Spain? | What is the language of Spain?
People in Germany speak German. | What language do people speak in Germany? | Which language is spoken in Germany? | What is the language of Germany?
People in Brazil speak Portuguese. | What language do people speak in Brazil? | Which language is spoken in Brazil? | What is the language of Brazil?
People in Japan speak Japanese. | What language do people speak in Japan? | Which language is spoken in Japan? | What is the language of Japan?
People in Italy speak Italian. | What language do people speak in Italy? | Which language is spoken in Italy? | What is the language of Italy?
William Shakespeare wrote Romeo and Juliet. | Who wrote Romeo and Juliet? | Who is the author of Romeo and Juliet? | Which writer wrote Romeo and Juliet?
Leonardo da Vinci painted the Mona Lisa. | Who painted the Mona Lisa? | Who is the painter of the Mona Lisa? | Which artist painted the Mona Lisa?
Neil Armstrong was the first man on the moon. | Who was the first man on the moon? | Who first walked on the moon? | Which man was first on the moon?
George Washington was the first president of the United States. | Who was the first president of the United States? | Who was the first American president? | Which man was the first US president?
Isaac Newton described gravity. | Who described gravity? | Who discovered gravity? | Which scientist described gravity?
Albert Einstein was a famous physicist. | Who was Albert Einstein? | Who is Albert Einstein? | What was Albert Einstein?
Marie Curie was a scientist who studied radiation. | Who was Marie Curie? | Who is Marie Curie? | What was Marie Curie?
William Shakespeare was an English writer. | Who was William Shakespeare? | Who is William Shakespeare? | What was William Shakespeare?
Wolfgang Amadeus Mozart was a composer. | Who was Mozart? | Who is Mozart? | What was Mozart?
Christopher Columbus was an explorer. | Who was Christopher Columbus? | Who is Christopher Columbus? | What was Christopher Columbus?
A baker bakes bread. | What does a baker do? | Who bakes bread? | What is the job of a baker?
A doctor helps sick people. | What does a doctor do? | Who helps sick people? | What is the job of a doctor?
A teacher teaches students. | What does a teacher do? | Who teaches students? | What is the job of a teacher?
A farmer grows food. | What does a farmer do? | Who grows food? | What is the job of a farmer?
A pilot flies planes. | What does a pilot do? | Who flies planes? | What is the job of a pilot?
A firefighter puts out fires. | What does a firefighter do? | Who puts out fires? | What is the job of a firefighter?
A dentist takes care of teeth. | What does a dentist do? | Who takes care of teeth? | What is the job of a dentist?
A cook prepares meals. | What does a cook do? | Who prepares meals? | What is the job of a cook?
A library lends books. | What does a library do? | What is a library? | Where can I borrow books?
A hospital is a place for sick people. | What is a hospital? | What is a hospital for? | Where do sick people go?
A school is a place to learn. | What is a school? | What is a school for? | Where do children go to learn?
A museum shows interesting things. | What is a museum? | What is a museum for? | What does a museum do?
A bank keeps money safe. | What is a bank? | What is a bank for? | What does a bank do?
You brush your teeth to keep them clean. | Why do you brush your teeth? | Why should I brush my teeth? | Why do we brush our teeth?
You wash your hands to remove germs. | Why do you wash your hands? | Why should I wash my hands? | Why do we wash our hands?
A recipe tells you how to cook a dish. | What is a recipe? | What is a recipe for? | What does a recipe do?
A dictionary explains words. | What is a dictionary? | What is a dictionary for? | What does a dictionary do?
A map shows where places are. | What is a map? | What is a map for? | What does a map show?
A calendar shows days and months. | What is a calendar? | What is a calendar for? | What does a calendar show?
A noun is a word for a thing or person. | What is a noun? | What does a noun do? | What are nouns?
A verb is a word for an action. | What is a verb? | What does a verb do? | What are verbs?
An adjective is a word that describes a noun. | What is an adjective? | What does an adjective do? | What are adjectives?
The currency of Japan is the yen. | What is the currency of Japan? | Which money do people use in Japan? | What is the money of Japan?
The currency of the United States is the dollar. | What is the currency of the United States? | Which money do people use in the United States? | What is the money of the United States?
The currency of Germany is the euro. | What is the currency of Germany? | Which money do people use in Germany? | What is the money of Germany?
The currency of India is the rupee. | What is the currency of India? | Which money do people use in India? | What is the money of India?
A football team has eleven players. | How many players are in a football team? | How many players does a football team have? | What is the number of players of a football team?
A chessboard has 64 squares. | How many squares does a chessboard have? | How many squares are on a chessboard? | What is the number of squares of a chessboard?
A bicycle has two wheels. | How many wheels does a bicycle have? | How many wheels are on a bicycle? | What is the number of wheels of a bicycle?
A car has four wheels. | How many wheels does a car have? | How many wheels are on a car? | What is the number of wheels of a car?
""")
