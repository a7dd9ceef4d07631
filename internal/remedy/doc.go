// Package remedy says of each reason of a condition what it means and what to do. docs/operations.md shows the same tables.
package remedy
