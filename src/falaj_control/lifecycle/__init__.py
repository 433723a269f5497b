"""Pure: how the states of tasks and runs follow from what happens to them."""
