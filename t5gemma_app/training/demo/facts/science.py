"""Facts about matter, machines, numbers and the human body."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from t5gemma_app.training.demo.facts.fact import Fact, read_facts

SCIENCE: tuple[Fact, ...] = read_facts("""
Water boils at 100 degrees Celsius. | At what temperature does water boil? | When does water boil? | What is the boiling point of water?
Water freezes at 0 degrees Celsius. | At what temperature does water freeze? | When does water freeze? | What is the freezing point of water?
Water is made of hydrogen and oxygen. | What is water made of? | Which elements are in water? | What does water consist of?
The formula of water is H2O. | What is the formula of water? | What is the chemical formula of water? | How do you write water in chemistry?
Air is mostly nitrogen and oxygen. | What is air made of? | Which gases are in the air? | What does air consist of?
Salt is made of sodium and chlorine. | What is salt made of? | Which elements are in salt? | What does salt consist of?
Glass is made from sand. | What is glass made of? | What is glass made from? | How is glass made?
Paper is made from wood. | What is paper made of? | What is paper made from? | How is paper made?
Bread is made from flour, water and yeast. | What is bread made of? | What is bread made from? | How is bread made?
Cheese is made from milk. | What is cheese made of? | What is cheese made from? | How is cheese made?
Chocolate is made from cocoa beans. | What is chocolate made of? | What is chocolate made from? | How is chocolate made?
Wool comes from sheep. | Where does wool come from? | Which animal gives us wool? | What animal does wool come from?
Silk comes from silkworms. | Where does silk come from? | Which animal gives us silk? | What animal does silk come from?
Cotton comes from a plant. | Where does cotton come from? | What does cotton come from? | What is cotton made from?
Rubber comes from trees. | Where does rubber come from? | What does rubber come from? | What is rubber made from?
Diamond is the hardest natural material. | What is the hardest natural material? | What is the hardest material? | Which natural material is the hardest?
Hydrogen is the lightest element. | What is the lightest element? | Which element is the lightest? | What is the lightest gas?
The symbol of gold is Au. | What is the symbol of gold? | What is the chemical symbol for gold? | Which symbol does gold have?
The symbol of silver is Ag. | What is the symbol of silver? | What is the chemical symbol for silver? | Which symbol does silver have?
The symbol of iron is Fe. | What is the symbol of iron? | What is the chemical symbol for iron? | Which symbol does iron have?
The symbol of oxygen is O. | What is the symbol of oxygen? | What is the chemical symbol for oxygen? | Which symbol does oxygen have?
An atom is a tiny building block of matter. | What is an atom? | What are atoms? | What does the word atom mean?
A molecule is a group of atoms. | What is a molecule? | What are molecules? | What does the word molecule mean?
A cell is the smallest unit of life. | What is a cell? | What are cells? | What does the word cell mean?
DNA carries the plan of a living thing. | What is DNA? | What does DNA do? | What is DNA for?
Light is faster than sound. | Is light faster than sound? | What is faster, light or sound? | Which is faster, sound or light?
Iron rusts because it reacts with water and air. | Why does iron rust? | What makes iron rust? | How does rust form?
Ice floats because it is lighter than water. | Why does ice float? | What makes ice float? | Why does ice swim on water?
A magnet attracts iron. | What does a magnet attract? | What does a magnet do? | Which metal does a magnet attract?
A thermometer measures temperature. | What does a thermometer measure? | What is a thermometer for? | What is a thermometer?
A compass shows where north is. | What does a compass show? | What is a compass for? | What is a compass?
A telescope makes far things look near. | What does a telescope do? | What is a telescope for? | What is a telescope?
A microscope makes tiny things look big. | What does a microscope do? | What is a microscope for? | What is a microscope?
A clock shows the time. | What does a clock show? | What is a clock for? | What is a clock?
A scale measures weight. | What does a scale measure? | What is a scale for? | What is a scale?
A fridge keeps food cold. | What does a fridge do? | What is a fridge for? | What is a fridge?
An umbrella keeps you dry in the rain. | What does an umbrella do? | What is an umbrella for? | What is an umbrella?
A computer is a machine that follows instructions. | What is a computer? | What does a computer do? | What are computers?
The internet is a network that connects computers. | What is the internet? | What does the internet do? | What does the word internet mean?
A robot is a machine that can do tasks by itself. | What is a robot? | What does a robot do? | What are robots?
A program is a list of instructions for a computer. | What is a program? | What is software? | What are programs?
Electricity is the flow of tiny charges. | What is electricity? | What does electricity mean? | Explain electricity.
A battery stores electric energy. | What does a battery do? | What is a battery for? | What is a battery?
The heart pumps blood through the body. | What does the heart do? | What is the heart for? | Which organ pumps blood?
The lungs take oxygen from the air. | What do the lungs do? | What are the lungs for? | Which organs take in oxygen?
The brain controls the body. | What does the brain do? | What is the brain for? | Which organ controls the body?
The stomach digests food. | What does the stomach do? | What is the stomach for? | Which organ digests food?
The kidneys clean the blood. | What do the kidneys do? | What are the kidneys for? | Which organs clean the blood?
The skin protects the body. | What does the skin do? | What is the skin for? | Why do we have skin?
Bones hold up the body. | What do bones do? | What are bones for? | Why do we have bones?
Muscles move the body. | What do muscles do? | What are muscles for? | Why do we have muscles?
We see with our eyes. | What do we see with? | What are eyes for? | Which body part do we see with?
We hear with our ears. | What do we hear with? | What are ears for? | Which body part do we hear with?
We smell with our nose. | What do we smell with? | What is the nose for? | Which body part do we smell with?
We taste with our tongue. | What do we taste with? | What is the tongue for? | Which body part do we taste with?
People have two eyes. | How many eyes do people have? | How many eyes does a person have? | What is the number of eyes of a person?
A hand has five fingers. | How many fingers does a hand have? | How many fingers are on a hand? | What is the number of fingers of a hand?
An adult has 206 bones. | How many bones does an adult have? | How many bones are in the body? | What is the number of bones of an adult?
An adult has 32 teeth. | How many teeth does an adult have? | How many teeth do adults have? | What is the number of teeth of an adult?
We have five senses. | How many senses do we have? | How many senses does a person have? | What is the number of senses?
The skin is the largest organ. | What is the largest organ? | Which organ is the biggest? | What is the biggest organ of the body?
Blood is red because it contains iron. | Why is blood red? | What makes blood red? | Why does blood look red?
We sleep so that body and brain can rest. | Why do we sleep? | Why do people sleep? | Why do we need sleep?
We eat to get energy. | Why do we eat? | Why do people eat? | Why do we need food?
We breathe to get oxygen. | Why do we breathe? | Why do people breathe? | Why do we need air?
We drink because the body needs water. | Why do we drink? | Why do people drink? | Why do we need water?
We sweat to cool down. | Why do we sweat? | Why do people sweat? | What is sweat for?
A triangle has three sides. | How many sides does a triangle have? | How many sides are in a triangle? | What is the number of sides of a triangle?
A square has four sides. | How many sides does a square have? | How many sides are in a square? | What is the number of sides of a square?
A hexagon has six sides. | How many sides does a hexagon have? | How many sides are in a hexagon? | What is the number of sides of a hexagon?
A circle is a round shape. | What is a circle? | What does a circle look like? | What kind of shape is a circle?
A dozen is twelve. | How many is a dozen? | What is a dozen? | What does a dozen mean?
A pair is two things. | How many is a pair? | What is a pair? | What does a pair mean?
A metre has 100 centimetres. | How many centimetres are in a metre? | How many centimetres does a metre have? | How long is a metre?
A kilometre has 1000 metres. | How many metres are in a kilometre? | How many metres does a kilometre have? | How long is a kilometre?
A kilogram has 1000 grams. | How many grams are in a kilogram? | How many grams does a kilogram have? | How heavy is a kilogram?
""")
