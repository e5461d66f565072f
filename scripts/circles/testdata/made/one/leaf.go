package one

const leaf = 1
