"""The product's main job, told on one machine: provision, deploy, roll, break twice, come back each time."""
