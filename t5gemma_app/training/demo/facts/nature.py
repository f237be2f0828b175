"""Facts about plants, animals, weather and the sky."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from t5gemma_app.training.demo.facts.fact import Fact, read_facts

NATURE: tuple[Fact, ...] = read_facts("""
Plants create energy by photosynthesis, using sunlight, water and air. | How do plants create energy? | How do plants make energy? | How do plants get their energy? | How does a plant produce energy? | Where do plants get energy from?
Photosynthesis is how plants turn sunlight into food. | What is photosynthesis? | What does photosynthesis mean? | Explain photosynthesis.
The sky is blue because air scatters blue light the most. | Why is the sky blue? | What makes the sky blue? | Why does the sky look blue?
Grass is green because it contains chlorophyll. | Why is grass green? | What makes grass green? | Why are leaves green?
Leaves fall in autumn so that trees save water. | Why do leaves fall in autumn? | Why do trees lose their leaves? | Why do leaves fall off trees?
Bees make honey from the nectar of flowers. | How do bees make honey? | What do bees make honey from? | Where does honey come from?
Bees make honey. | What do bees make? | Which food do bees produce? | What do bees produce?
Cows give us milk. | What do cows give us? | Which drink comes from cows? | Where does milk come from?
Hens lay eggs. | Which animals lay eggs on a farm? | What do hens lay? | What do chickens lay?
Spiders have eight legs. | How many legs does a spider have? | How many legs do spiders have? | What is the number of legs of a spider?
Insects have six legs. | How many legs does an insect have? | How many legs do insects have? | What is the number of legs of an insect?
Dogs have four legs. | How many legs does a dog have? | How many legs do dogs have? | What is the number of legs of a dog?
An octopus has eight arms. | How many arms does an octopus have? | How many arms do octopuses have? | What is the number of arms of an octopus?
The blue whale is the largest animal. | What is the largest animal? | Which animal is the biggest? | What is the biggest animal in the world?
The cheetah is the fastest land animal. | What is the fastest land animal? | Which animal runs the fastest? | What animal is the fastest on land?
The giraffe is the tallest animal. | What is the tallest animal? | Which animal is the tallest? | What animal has the longest neck?
The ostrich is the largest bird. | What is the largest bird? | Which bird is the biggest? | What is the biggest bird in the world?
Penguins are birds that can't fly. | What are penguins? | Are penguins birds? | What kind of animal is a penguin?
Whales are mammals that live in the sea. | What are whales? | Are whales fish? | What kind of animal is a whale?
Bats are mammals that can fly. | What are bats? | Are bats birds? | What kind of animal is a bat?
A frog is an amphibian. | What kind of animal is a frog? | What is a frog? | To which group do frogs belong?
A snake is a reptile. | What kind of animal is a snake? | What is a snake? | To which group do snakes belong?
Fish breathe with gills. | How do fish breathe? | What do fish breathe with? | How can fish breathe under water?
Birds fly by moving their wings. | How do birds fly? | What do birds use to fly? | How can birds fly?
Birds build nests to lay their eggs. | Why do birds build nests? | What do birds use nests for? | What are nests for?
Pandas eat bamboo. | What do pandas eat? | What is the food of pandas? | What does a panda eat?
Rabbits eat grass and vegetables. | What do rabbits eat? | What is the food of rabbits? | What does a rabbit eat?
Lions eat meat. | What do lions eat? | What is the food of lions? | What does a lion eat?
Horses eat grass and hay. | What do horses eat? | What is the food of horses? | What does a horse eat?
Squirrels eat nuts and seeds. | What do squirrels eat? | What is the food of squirrels? | What does a squirrel eat?
Polar bears live in the Arctic. | Where do polar bears live? | Where can I find polar bears? | Where does a polar bear live?
Kangaroos live in Australia. | Where do kangaroos live? | Where can I find kangaroos? | Where does a kangaroo live?
Camels live in the desert. | Where do camels live? | Where can I find camels? | Where does a camel live?
Lions live in Africa. | Where do lions live? | Where can I find lions? | Where does a lion live?
Bees live in a hive. | Where do bees live? | Where can I find bees? | What is the home of bees called?
Birds live in nests. | Where do birds live? | What is the home of a bird called? | Where does a bird live?
A baby dog is called a puppy. | What is a baby dog called? | What do you call a young dog? | What is a puppy?
A baby cat is called a kitten. | What is a baby cat called? | What do you call a young cat? | What is a kitten?
A baby cow is called a calf. | What is a baby cow called? | What do you call a young cow? | What is a calf?
A baby sheep is called a lamb. | What is a baby sheep called? | What do you call a young sheep? | What is a lamb?
A baby horse is called a foal. | What is a baby horse called? | What do you call a young horse? | What is a foal?
Dogs bark. | What sound does a dog make? | What do dogs say? | Which noise do dogs make?
Cats meow. | What sound does a cat make? | What do cats say? | Which noise do cats make?
Cows moo. | What sound does a cow make? | What do cows say? | Which noise do cows make?
Ducks quack. | What sound does a duck make? | What do ducks say? | Which noise do ducks make?
Lions roar. | What sound does a lion make? | What do lions say? | Which noise do lions make?
A caterpillar turns into a butterfly. | What does a caterpillar become? | What does a caterpillar turn into? | Where do butterflies come from?
A tadpole turns into a frog. | What does a tadpole become? | What does a tadpole turn into? | Where do frogs come from?
Seeds need water, warmth and air to grow. | What do seeds need to grow? | What does a seed need? | How does a seed grow?
Plants need light, water, air and soil. | What do plants need to grow? | What does a plant need? | What do plants need to live?
Roots take up water from the soil. | What do roots do? | What are roots for? | Why do plants have roots?
Flowers attract insects that carry pollen. | Why do plants have flowers? | What are flowers for? | Why are flowers colourful?
Rain is water that falls from clouds. | What is rain? | Where does rain come from? | How does rain form? | Why does it rain?
Snow is frozen water that falls from clouds. | What is snow? | Where does snow come from? | How does snow form? | Why does it snow?
Wind is moving air. | What is wind? | What is the wind made of? | What does wind mean?
Clouds are made of tiny drops of water. | What are clouds made of? | What is a cloud? | How do clouds form?
A rainbow is sunlight split by drops of rain. | What is a rainbow? | How does a rainbow form? | What makes a rainbow?
A rainbow has seven colours. | How many colours does a rainbow have? | How many colors are in a rainbow? | What is the number of colours of a rainbow?
Thunder is the sound of lightning. | What is thunder? | What makes thunder? | Where does thunder come from?
Lightning is a large electric spark in the sky. | What is lightning? | What makes lightning? | Where does lightning come from?
Fog is a cloud close to the ground. | What is fog? | What is fog made of? | How does fog form?
Ice is frozen water. | What is ice? | What is ice made of? | What does water become when it freezes?
Steam is water in the form of gas. | What is steam? | What is steam made of? | What does water become when it boils?
The sun is a star. | What is the sun? | Is the sun a star? | What kind of object is the sun?
The moon goes around the earth. | What does the moon go around? | What does the moon do? | Around what does the moon move?
The earth goes around the sun. | What does the earth go around? | Around what does the earth move? | What does the earth circle?
There are eight planets in the solar system. | How many planets are there? | How many planets are in the solar system? | What is the number of planets?
Jupiter is the largest planet. | What is the largest planet? | Which planet is the biggest? | What is the biggest planet in the solar system?
Mercury is the smallest planet. | What is the smallest planet? | Which planet is the smallest? | What is the smallest planet in the solar system?
Mercury is the planet closest to the sun. | Which planet is closest to the sun? | What planet is nearest to the sun? | What is the planet closest to the sun?
Mars is called the red planet. | Which planet is called the red planet? | What is the red planet? | Which planet is red?
Saturn is known for its rings. | Which planet has rings? | What is Saturn known for? | Which planet is known for its rings?
A star is a huge ball of hot gas. | What is a star? | What are stars made of? | What are stars?
Gravity is the force that pulls things down. | What is gravity? | Why do things fall down? | What does gravity do?
The moon shines because it reflects sunlight. | Why does the moon shine? | What makes the moon shine? | Where does moonlight come from?
The tides are caused by the moon. | What causes the tides? | Why are there tides? | Where do tides come from?
It gets dark at night because the earth turns away from the sun. | Why does it get dark at night? | Why is it dark at night? | What causes night?
We have seasons because the earth is tilted. | Why do we have seasons? | What causes the seasons? | Why are there seasons?
The sea is salty because rivers carry salt into it. | Why is the sea salty? | Why is the ocean salty? | What makes the sea salty?
Volcanoes erupt when hot rock rises from below. | Why do volcanoes erupt? | What makes a volcano erupt? | How does a volcano erupt?
Earthquakes happen when plates of the earth move. | Why do earthquakes happen? | What causes earthquakes? | How do earthquakes start?
Fossils are remains of very old living things. | What are fossils? | What is a fossil? | What does the word fossil mean?
Dinosaurs were reptiles that lived long ago. | What were dinosaurs? | What is a dinosaur? | What are dinosaurs?
A desert is a very dry place. | What is a desert? | What are deserts? | What does the word desert mean?
An island is land with water all around it. | What is an island? | What are islands? | What does the word island mean?
""")
