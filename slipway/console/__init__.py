"""The console: a web page on loopback that shows the models, their releases and their health, and acts on them."""
